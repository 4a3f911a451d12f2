// What `componentize-js` makes the component of.
import { component } from "./longshore-sdk/component.js";
import plugin from "./plugin.js";

export const { describe, configure, plan, run } = component(plugin);
