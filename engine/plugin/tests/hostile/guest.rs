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
        self.bytes_in("longshore:operation/operation@0.1.0", "")
    }

    /// The guest in another world than that of operations, which `more` describes.
    pub(crate) fn bytes_in(&self, world: &str, more: &str) -> Vec<u8> {
        let mut module = wat::parse_str(self.text()).unwrap();
        let mut resolve = wit_parser::Resolve::default();
        let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/wit");
        let (mut package, _) = resolve.push_path(contract).unwrap();
        if !more.is_empty() {
            package = resolve.push_str("more.wit", more).unwrap();
        }
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        wit_component::embed_component_metadata(&mut module, &resolve, world, Default::default()).unwrap();
        module
    }

    fn text(&self) -> String {
        let Self { imports, extra, name, plan, run } = self;
        let name_length = format!("\\{:02x}\\00\\00\\00", name.len());
        format!(
            r#"(module
            (import "longshore:operation/s3@0.1.0" "[resource-drop]object" (func $drop_object (param i32)))
            (import "longshore:operation/host@0.1.0" "[resource-drop]task" (func $drop_task (param i32)))
            {imports}
            (memory (export "memory") 2)
            (data (i32.const 1024) "{name}")
            (data (i32.const 2048) "0.1.0")
            (data (i32.const 2064) "{{}}")
            ;; description: name, version, summary, parameters, actions; pointer and length of each
            (data (i32.const 3072) "\00\04\00\00{name_length}\00\08\00\00\05\00\00\00\00\00\00\00\00\00\00\00"
                "\10\08\00\00\02\00\00\00\00\00\00\00\00\00\00\00")
            (global $heap (mut i32) (i32.const 65536))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.get $heap)
                (global.set $heap
                    (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 7)) (i32.const -8))))
            {extra}
            (func (export "describe") (result i32) (i32.const 3072))
            (func (export "configure") (param i32 i32) (result i32) (i32.const 768))
            (func (export "plan") (param $object i32) (param $task i32) (result i32)
                {plan}
                (call $drop_object (local.get $object))
                (call $drop_task (local.get $task))
                (i32.const 768))
            (func (export "run") (param $object i32) (param $task i32) (result i32)
                {run}
                (call $drop_object (local.get $object))
                (call $drop_task (local.get $task))
                (i32.const {RESULT})))"#
        )
    }
}
