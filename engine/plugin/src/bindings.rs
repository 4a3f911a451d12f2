//! The host side of sdk/wit/longshore.wit, generated.

wasmtime::component::bindgen!({
    path: "../../sdk/wit",
    world: "operation",
    imports: {
        "longshore:operation/s3.send": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "longshore:operation/s3.object": crate::handle::ObjectHandle,
        "longshore:operation/s3.request": crate::handle::RequestHandle,
        "longshore:operation/s3.response": crate::handle::ResponseHandle,
        "longshore:operation/host.task": crate::handle::TaskHandle,
    },
});
