//! The failure codes of this crate: what a completion report shows when not the store but the plugin failed.

/// The guest trapped: it panicked, divided by zero, read out of bounds.
pub const TRAP: &str = "PluginTrap";
/// The guest used more processor time than allowed, or the task took too long altogether.
pub const TIMEOUT: &str = "PluginTimeout";
/// The guest executed more instructions than allowed.
pub const FUEL_LIMIT: &str = "PluginFuelLimit";
/// The guest asked for more memory or table space than allowed.
pub const MEMORY_LIMIT: &str = "PluginMemoryLimit";
/// The guest holds too many objects, requests and responses at once.
pub const HANDLE_LIMIT: &str = "PluginHandleLimit";
/// The guest sent more requests in one task than allowed.
pub const REQUEST_LIMIT: &str = "PluginRequestLimit";
/// The guest holds more bytes in requests and responses, or passed more in one call, than allowed.
pub const BYTES_LIMIT: &str = "PluginBytesLimit";
/// The guest refused, at the start of a task, parameters that it had accepted before.
pub const PARAMETERS: &str = "PluginParameters";
/// The guest failed the task with a code that is none; its own words are in the message.
pub const FAILURE: &str = "PluginFailure";
/// Too many instances at once in this engine.
pub const INSTANCE_LIMIT: &str = "PluginInstanceLimit";
/// The guest asked for what its grants do not have.
pub const NOT_GRANTED: &str = "PluginNotGranted";
/// A request was built in a way that no such request allows.
pub const INVALID_REQUEST: &str = "InvalidRequest";

#[cfg(test)]
mod tests {
    #[test]
    fn each_is_explained() {
        let page = include_str!("../../../docs/errors.md");
        let codes = include_str!("codes.rs").lines().filter(|line| line.starts_with("pub const"));
        let mut count = 0;
        for code in codes.filter_map(|line| line.split('"').nth(1)) {
            assert!(page.contains(&format!("| `{code}` |")), "docs/errors.md does not explain {code}");
            count += 1;
        }
        assert_eq!(count, 12, "this test reads its own source");
    }
}
