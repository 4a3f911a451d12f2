//! Guests written in WebAssembly text: core modules that carry the contract's component type, as a linker makes them.

/// A guest whose parts can be replaced.
pub(crate) struct Guest<'a> {
    /// More imports.
    pub(crate) imports: &'a str,
    /// More memories, tables, functions.
    pub(crate) extra: &'a str,
    /// The text that `describe` gives as the operation's name.
    pub(crate) name: &'a str,
    /// Statements of `plan`, before it gives its handles back; its result is an empty list.
    pub(crate) plan: &'a str,
    /// Statements of `run`, likewise; they write the result at [`RESULT`], which is `done(none)` if they do not.
    pub(crate) run: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self { imports: "", extra: "", name: "hostile", plan: "", run: "" }
    }
}

/// Where `run` puts its result. Layout (Canonical ABI): result's case at +0, outcome's case at +4, its payload at +8.
pub(crate) const RESULT: u32 = 512;

impl Guest<'_> {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        crate::contract::plugin(&self.text())
    }

    /// The guest in another world than that of operations, which `more` describes.
    pub(crate) fn bytes_in(&self, world: &str, more: &str) -> Vec<u8> {
        crate::contract::plugin_in(world, more, &self.text())
    }

    fn text(&self) -> String {
        let Self { imports, extra, name, plan, run } = self;
        let name_bytes = format!("\\{:02x}\\00\\00\\00", name.len());
        let parts = [
            ("imports", *imports),
            ("pages", "2"),
            ("name", name),
            ("name_bytes", &name_bytes),
            ("realloc", ""),
            ("extra", extra),
            ("describe", ""),
            ("configure", ""),
            ("plan", plan),
            ("run", run),
        ];
        let frame = include_str!("../../../../tests/hostile/frame.wat");
        parts
            .iter()
            .fold(frame.to_owned(), |text, (name, part)| text.replace(&format!("{{{{{name}}}}}"), part))
    }
}
