// The contract, outside of a component: there is none. What requests are sent through is then a store of fixtures.
const absent = () => {
  throw new Error("there is no engine here: use longshore/testing");
};

export const invoke = absent;
export const open = absent;
export const send = absent;
export const log = (level, message) => console.error(`${level}: ${message}`);
