// The contract, inside of a component: `componentize-qjs` makes these modules from sdk/wit.
export { invoke } from "longshore:operation/endpoints@0.1.0";
export { log } from "longshore:operation/host@0.1.0";
export { open, send } from "longshore:operation/s3@0.1.0";
