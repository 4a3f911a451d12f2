//! The contract's interface `endpoints`, host side.

use longshore_store::InvokeEndpoint;
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::longshore::operation::endpoints;
use crate::handle::RequestHandle;
use crate::state::State;

impl endpoints::Host for State {
    fn invoke(&mut self, endpoint: String, body: Vec<u8>) -> Result<Resource<RequestHandle>> {
        let held = endpoint.len() + body.len();
        self.push_request(InvokeEndpoint { endpoint, body: body.into() }, held)
    }
}
