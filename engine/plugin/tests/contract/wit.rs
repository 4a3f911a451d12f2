//! The contract as its parser reads it, and how its parts are written.

use std::collections::BTreeMap;

use wit_parser::{
    Docs, Function, FunctionKind, Handle, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId, WorldId,
    WorldItem,
};

pub(crate) struct Contract {
    pub(crate) resolve: Resolve,
    pub(crate) world: WorldId,
}

impl Contract {
    pub(crate) fn parse(text: &str) -> Self {
        let mut resolve = Resolve::default();
        let package = resolve.push_source("longshore.wit", text).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        Self { resolve, world }
    }

    pub(crate) fn version(&self) -> String {
        let package = self.resolve.worlds[self.world].package.unwrap();
        self.resolve.packages[package].name.version.as_ref().unwrap().to_string()
    }

    /// The interfaces that the engine provides, in the order of the world.
    pub(crate) fn imports(&self) -> impl Iterator<Item = &Interface> {
        self.resolve.worlds[self.world].imports.values().filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(&self.resolve.interfaces[*id]),
            _ => None,
        })
    }

    /// The functions that an operation provides.
    pub(crate) fn exports(&self) -> impl Iterator<Item = &Function> {
        self.resolve.worlds[self.world].exports.values().filter_map(|item| match item {
            WorldItem::Function(function) => Some(function),
            _ => None,
        })
    }

    /// Types that an interface defines, those it uses of others apart.
    pub(crate) fn types<'c>(
        &'c self,
        interface: &'c Interface,
    ) -> impl Iterator<Item = (TypeId, &'c TypeDef)> {
        let types = interface.types.values().map(|id| (*id, &self.resolve.types[*id]));
        types.filter(|(_, defined)| !matches!(defined.kind, TypeDefKind::Type(Type::Id(_))))
    }

    /// Methods of a resource, or the functions of an interface that belong to none.
    pub(crate) fn functions<'c>(
        &'c self,
        interface: &'c Interface,
        of: Option<TypeId>,
    ) -> impl Iterator<Item = &'c Function> {
        interface.functions.values().filter(move |function| match function.kind {
            FunctionKind::Method(id) | FunctionKind::Static(id) | FunctionKind::Constructor(id) => {
                of == Some(id)
            }
            _ => of.is_none(),
        })
    }

    /// `func(bucket: string, key: string) -> request`, without the object that a method is of.
    pub(crate) fn signature(&self, function: &Function) -> String {
        let own = usize::from(matches!(function.kind, FunctionKind::Method(_)));
        let parameters: Vec<_> = function.params[own..]
            .iter()
            .map(|parameter| format!("{}: {}", parameter.name, self.type_name(&parameter.ty)))
            .collect();
        let result = function.result.map(|of| format!(" -> {}", self.type_name(&of))).unwrap_or_default();
        format!("({}){result}", parameters.join(", "))
    }

    pub(crate) fn type_name(&self, of: &Type) -> String {
        let id = match of {
            Type::Id(id) => *id,
            simple => return format!("{simple:?}").to_lowercase(),
        };
        let defined = &self.resolve.types[id];
        match (&defined.name, &defined.kind) {
            (Some(name), _) => name.clone(),
            (None, TypeDefKind::Handle(Handle::Own(id))) => self.type_name(&Type::Id(*id)),
            (None, TypeDefKind::Handle(Handle::Borrow(id))) => {
                format!("borrow<{}>", self.type_name(&Type::Id(*id)))
            }
            (None, TypeDefKind::Option(inner)) => format!("option<{}>", self.type_name(inner)),
            (None, TypeDefKind::List(inner)) => format!("list<{}>", self.type_name(inner)),
            (None, TypeDefKind::Tuple(tuple)) => {
                let types: Vec<_> = tuple.types.iter().map(|inner| self.type_name(inner)).collect();
                format!("tuple<{}>", types.join(", "))
            }
            (None, TypeDefKind::Result(result)) => {
                let part = |of: Option<Type>| of.map_or("_".to_owned(), |of| self.type_name(&of));
                format!("result<{}, {}>", part(result.ok), part(result.err))
            }
            (None, other) => panic!("the contract has a kind of type that is not known here: {other:?}"),
        }
    }

    /// The parts of a type: fields of a record, cases of a variant, with their types and what is said about them.
    pub(crate) fn parts<'c>(&self, defined: &'c TypeDef) -> Vec<(&'c str, Option<String>, &'c Docs)> {
        let name = |of: &Type| self.type_name(of);
        match &defined.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                fields.map(|field| (field.name.as_str(), Some(name(&field.ty)), &field.docs)).collect()
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter();
                cases.map(|case| (case.name.as_str(), case.ty.as_ref().map(name), &case.docs)).collect()
            }
            TypeDefKind::Enum(of) => {
                of.cases.iter().map(|case| (case.name.as_str(), None, &case.docs)).collect()
            }
            TypeDefKind::Resource => Vec::new(),
            other => panic!("the contract defines a kind of type that is not known here: {other:?}"),
        }
    }

    /// Everything an operation may rely on, and everything the engine relies on: where it is, and what.
    pub(crate) fn surface(&self) -> BTreeMap<String, String> {
        let mut surface = BTreeMap::new();
        for interface in self.imports() {
            let place = interface.name.as_deref().unwrap_or_default();
            for (_, defined) in self.types(interface) {
                let parts = self.parts(defined).into_iter().map(|(name, of, _)| match of {
                    Some(of) => format!("{name}: {of}"),
                    None => name.to_owned(),
                });
                let parts = format!("{} {{{}}}", defined.kind.as_str(), parts.collect::<Vec<_>>().join(", "));
                surface.insert(format!("{place}.{}", defined.name.as_deref().unwrap_or_default()), parts);
            }
            for function in interface.functions.values() {
                let name = function.name.trim_start_matches("[method]");
                surface.insert(format!("{place}.{name}"), self.signature(function));
            }
        }
        surface.extend(
            self.exports().map(|function| (format!("export {}", function.name), self.signature(function))),
        );
        surface
    }
}

/// What is said about a part, on one line.
pub(crate) fn said(docs: &Docs) -> String {
    docs.contents.iter().flat_map(|text| text.split_whitespace()).collect::<Vec<_>>().join(" ")
}
