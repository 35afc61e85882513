//! What each name of a file is. A name is one thing: tensor, size, parameter, function or index.

use super::resolved::{ExprKind as ResolvedKind, TensorId};
use super::scan::{binder_sizes, collect_indices, sizes_of_equation, walk};
use super::{Diagnostics, Options, Reported, axes, constants, free};
use crate::ast::{
    Declaration, DeclarationKind, Dim, Equation, ExprKind, File, Function, ItemKind, Span, TypeName,
};
use crate::diagnostic::{Code, Diagnostic};
use std::collections::HashMap;
use std::sync::Arc;
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Extent, SymbolDecl, axis::Name};

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Entity {
    Tensor(TensorId),
    Size(Name),
    IntParam(Name),
    /// The position among the inputs.
    FloatParam(usize),
    /// The position among the functions.
    Function(usize),
}

impl Entity {
    /// `tensor`, `size`, ..
    pub fn noun(&self) -> &'static str {
        match self {
            Entity::Tensor(_) => "tensor",
            Entity::Size(_) => "size",
            Entity::IntParam(_) | Entity::FloatParam(_) => "parameter",
            Entity::Function(_) => "function",
        }
    }
}

/// The type a declaration states.
#[derive(Clone, Debug)]
pub struct Declared {
    pub dtype: Dtype,
    /// `None` if a dimension is wrong, which has been reported.
    pub dims: Option<Vec<Extent>>,
}

/// Who defines a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The caller: the position among the inputs.
    Input(usize),
    /// Equations; the caller gets it.
    Out,
    /// Equations.
    Inner,
}

/// A tensor of the program.
#[derive(Debug)]
pub struct Tensor {
    pub name: Name,
    /// Where it is declared, or else its first equation.
    pub span: Span,
    pub rank: usize,
    pub role: Role,
    pub declared: Option<Declared>,
    /// Positions among the equations of the file.
    pub equations: Vec<usize>,
    /// It has an equation that cannot be its own, which has been reported.
    pub misdefined: bool,
}

/// An operand as far as it is known before anything is read.
#[derive(Debug)]
pub struct InputDecl {
    pub name: Name,
    pub span: Span,
    /// The tensor; `None` for a float parameter.
    pub tensor: Option<TensorId>,
    pub range: Option<(Literal, Literal)>,
    pub default: Option<Literal>,
}

/// All names of a file.
#[derive(Debug, Default)]
pub struct Names<'a> {
    entities: HashMap<String, (Entity, Span)>,
    pub tensors: Vec<Tensor>,
    pub functions: Vec<&'a Function>,
    pub inputs: Vec<InputDecl>,
    pub symbols: Vec<SymbolDecl>,
    /// Where each symbol of `symbols` is introduced.
    pub symbol_spans: Vec<Span>,
    /// Names that are used as an index somewhere, with the first place.
    pub indices: HashMap<String, Span>,
}

impl<'a> Names<'a> {
    /// What `name` is and where it says so.
    pub fn get(&self, name: &str) -> Option<(&Entity, Span)> {
        self.entities.get(name).map(|(entity, span)| (entity, *span))
    }

    /// The names of sizes and integer parameters.
    pub fn sizes(&self) -> impl Iterator<Item = &str> {
        self.symbols.iter().map(|symbol| &*symbol.name)
    }

    /// All names that are not indices.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let mut list: Vec<&str> = self.entities.keys().map(String::as_str).collect();
        list.sort_unstable();
        list.into_iter()
    }

    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.index()]
    }

    /// Where the parameter is declared that an expression consists of.
    pub fn declared_at(&self, expr: &ResolvedKind) -> Option<Span> {
        match expr {
            ResolvedKind::Size(extent) => self.get(extent.as_symbol()?).map(|(_, at)| at),
            ResolvedKind::FloatParam(input) => self.inputs.get(*input).map(|input| input.span),
            _ => None,
        }
    }

    fn insert(&mut self, name: &str, entity: Entity, span: Span) {
        self.entities.insert(name.to_owned(), (entity, span));
    }

    /// Adds a tensor that has no declaration yet.
    pub fn add_tensor(&mut self, name: &str, span: Span, rank: usize, role: Role) -> TensorId {
        let id = TensorId(self.tensors.len() as u32);
        let tensor = Tensor {
            name: Arc::from(name),
            span,
            rank,
            role,
            declared: None,
            equations: Vec::new(),
            misdefined: false,
        };
        self.tensors.push(tensor);
        self.insert(name, Entity::Tensor(id), span);
        id
    }

    /// Adds a size or an integer parameter.
    pub fn add_symbol(&mut self, name: &str, span: Span, param: bool) {
        let name: Name = Arc::from(name);
        let entity = if param { Entity::IntParam(name.clone()) } else { Entity::Size(name.clone()) };
        self.insert(&name, entity, span);
        self.symbols.push(SymbolDecl { name, param, default: None });
        self.symbol_spans.push(span);
    }

    /// Adds a float parameter.
    pub fn add_float_param(&mut self, name: &str, span: Span, default: Option<Literal>) {
        self.insert(name, Entity::FloatParam(self.inputs.len()), span);
        let input = InputDecl { name: Arc::from(name), span, tensor: None, range: None, default };
        self.inputs.push(input);
    }
}

/// The dtype that a type name stands for; in double precision where the caller asks for it.
pub fn dtype(name: TypeName, options: &Options) -> Dtype {
    let dtype = match name {
        TypeName::F64 => Dtype::F64,
        TypeName::F32 => Dtype::F32,
        TypeName::Bf16 => Dtype::BF16,
        TypeName::F16 => Dtype::F16,
        TypeName::C128 => Dtype::C128,
        TypeName::C64 => Dtype::C64,
        TypeName::I64 | TypeName::Int => Dtype::I64,
        TypeName::I32 => Dtype::I32,
        TypeName::U32 => Dtype::U32,
        TypeName::U8 => Dtype::U8,
        TypeName::Bool => Dtype::Bool,
    };
    match dtype {
        Dtype::F32 | Dtype::F16 | Dtype::BF16 if options.type_f64 => Dtype::F64,
        Dtype::C64 if options.type_f64 => Dtype::C128,
        other => other,
    }
}

/// Collects the names of a file and reports those that clash.
pub fn collect<'a>(file: &'a File, options: &Options, found: &mut Diagnostics) -> Names<'a> {
    let mut names = Names::default();
    for item in &file.items {
        match &item.kind {
            ItemKind::Declaration(declaration) => declare(declaration, &mut names, found),
            ItemKind::Function(function) => declare_function(function, &mut names, found),
            ItemKind::Equation(_) => {}
        }
    }
    for equation in file.equations() {
        collect_indices(equation, &mut names);
    }
    for declaration in file.declarations() {
        for dim in &declaration.dims {
            if let Dim::Expr(expr) = dim {
                // A name in a declared shape is a size, even if it is used as an index elsewhere.
                walk(expr, &mut |expr| {
                    if let ExprKind::Name(name) = &expr.kind
                        && names.get(name).is_none()
                    {
                        names.add_symbol(name, expr.span, false);
                    }
                });
            }
        }
    }
    for (position, equation) in file.equations().enumerate() {
        define(equation, position, &mut names, found);
    }
    for equation in file.equations() {
        sizes_of_equation(equation, &mut names);
    }
    for function in file.functions() {
        let formals: Vec<&str> = function.formals.iter().map(|formal| formal.text.as_str()).collect();
        binder_sizes(&function.body, &formals, &mut names);
    }
    if options.expression {
        free::collect(file, options, &mut names);
    }
    for declaration in file.declarations() {
        state_types(declaration, options, &mut names, found);
    }
    names
}

fn declare(declaration: &Declaration, names: &mut Names<'_>, found: &mut Diagnostics) {
    refuse_storage(declaration, found);
    refuse_interval(declaration, found);
    for name in &declaration.names {
        if let Some((entity, at)) = names.get(&name.text) {
            let code = match entity {
                Entity::Function(_) => Code::NameClash,
                _ => Code::DuplicateDeclaration,
            };
            found.push(
                Diagnostic::new(code, format!("`{}` is declared twice", name.text))
                    .label(name.span, "declared again here")
                    .label(at, "declared here first")
                    .help("remove or rename one of them"),
            );
            continue;
        }
        match declaration.kind {
            DeclarationKind::Param => declare_param(declaration, &name.text, name.span, names, found),
            DeclarationKind::In => {
                let role = Role::Input(names.inputs.len());
                let id = names.add_tensor(&name.text, name.span, declaration.dims.len(), role);
                let range = declaration.range.as_ref().and_then(|range| interval(range, found));
                let input = InputDecl {
                    name: Arc::from(name.text.as_str()),
                    span: name.span,
                    tensor: Some(id),
                    range,
                    default: None,
                };
                names.inputs.push(input);
            }
            DeclarationKind::Out | DeclarationKind::Var => {
                let role = if declaration.kind == DeclarationKind::Out { Role::Out } else { Role::Inner };
                names.add_tensor(&name.text, name.span, declaration.dims.len(), role);
            }
        }
    }
    if let (Some(default), false) = (&declaration.default, declaration.kind == DeclarationKind::Param) {
        found.push(
            Diagnostic::new(Code::ParameterType, "only a param has a default value")
                .label(default.span, "a default")
                .help("remove it, or declare a param"),
        );
    }
}

fn refuse_storage(declaration: &Declaration, found: &mut Diagnostics) {
    if let Some(format) = &declaration.format {
        found.push(
            Diagnostic::new(Code::NotYet, "sparse and encrypted operands are not yet implemented")
                .label(format.span, "not yet implemented")
                .help("leave the word out: the operand is then dense and plain"),
        );
    }
    for dim in &declaration.dims {
        if let Dim::Text(text) = dim {
            found.push(
                Diagnostic::new(Code::NotYet, "axes described by a text are not yet implemented")
                    .label(text.span, "not yet implemented")
                    .help("give the size of the axis"),
            );
        }
    }
}

fn refuse_interval(declaration: &Declaration, found: &mut Diagnostics) {
    let what = match declaration.kind {
        DeclarationKind::In => return,
        DeclarationKind::Out | DeclarationKind::Var => "results",
        DeclarationKind::Param => "parameters",
    };
    if let Some(range) = &declaration.range {
        found.push(
            Diagnostic::new(Code::NotYet, format!("intervals of {what} are not yet implemented"))
                .label(range.span, "not yet implemented")
                .help("leave the interval out; only those of operands are checked"),
        );
    }
}

fn interval(range: &crate::ast::Interval, found: &mut Diagnostics) -> Option<(Literal, Literal)> {
    let ends = (constants::real(&range.low), constants::real(&range.high));
    match ends {
        (Some(low), Some(high)) if low <= high => Some((Literal::Real(low), Literal::Real(high))),
        (Some(low), Some(high)) => {
            found.push(
                Diagnostic::new(Code::AttributeArguments, format!("the interval [{low}, {high}] is empty"))
                    .label(range.span, "the lower end is above the upper one")
                    .help("swap the ends"),
            );
            None
        }
        _ => {
            found.push(
                Diagnostic::new(Code::AttributeArguments, "the ends of an interval are constants")
                    .label(range.span, "not made of numbers alone")
                    .help("sizes and parameters have no place here; write for example in [-1, 2*pi]"),
            );
            None
        }
    }
}

fn declare_param(
    declaration: &Declaration,
    name: &str,
    span: Span,
    names: &mut Names<'_>,
    found: &mut Diagnostics,
) {
    let integer = matches!(declaration.dtype, TypeName::Int | TypeName::I64);
    if !declaration.dims.is_empty() || !(integer || declaration.dtype == TypeName::F64) {
        found.push(
            Diagnostic::new(
                Code::ParameterType,
                format!("the parameter `{name}` is not a single int or f64"),
            )
            .label(declaration.dtype_span, "a param is int, i64 or f64, without axes")
            .help(format!("write `param {name} : f64`, or declare an operand with `in`")),
        );
    }
    if integer {
        names.add_symbol(name, span, true);
        return;
    }
    let value = declaration.default.as_ref().and_then(|default| {
        let value = constants::real(default);
        if value.is_none() {
            found.push(
                Diagnostic::new(Code::ParameterType, "the default of a float parameter is a constant")
                    .label(default.span, "not made of numbers alone")
                    .help("write a constant, such as 0.5 or 2*pi; only defaults of int parameters may mention others"),
            );
        }
        value
    });
    names.add_float_param(name, span, value.map(Literal::Real));
}

fn declare_function<'a>(function: &'a Function, names: &mut Names<'a>, found: &mut Diagnostics) {
    let name = &function.name;
    if let Some((entity, at)) = names.get(&name.text) {
        found.push(
            Diagnostic::new(
                Code::NameClash,
                format!(
                    "function `{}` has the same name as the {} `{}`",
                    name.text,
                    entity.noun(),
                    name.text
                ),
            )
            .label(name.span, "a function")
            .label(at, format!("a {}", entity.noun()))
            .help("rename one of them"),
        );
        return;
    }
    if super::functions::builtin(&name.text).is_some() {
        found.push(
            Diagnostic::new(Code::ShadowsBuiltin, format!("`{}` hides the built-in function", name.text))
                .label(name.span, "this function is used instead")
                .help("rename it if the built-in one was meant"),
        );
    }
    let entity = Entity::Function(names.functions.len());
    names.insert(&name.text, entity, name.span);
    names.functions.push(function);
}

fn define(equation: &Equation, position: usize, names: &mut Names<'_>, found: &mut Diagnostics) {
    let name = &equation.name;
    let id = match names.get(&name.text) {
        None => names.add_tensor(&name.text, name.span, equation.indices.len(), Role::Inner),
        Some((Entity::Tensor(id), at)) => {
            let (id, tensor) = (*id, names.tensor(*id));
            if let Role::Input(_) = tensor.role {
                write_to_given(&name.text, "an operand", name.span, at, found);
                return;
            }
            if tensor.rank != equation.indices.len() {
                found.push(
                    Diagnostic::new(
                        Code::RankMismatch,
                        format!(
                            "{} has {}, indexed with {}",
                            name.text,
                            axes(tensor.rank),
                            equation.indices.len()
                        ),
                    )
                    .label(equation.left_span, format!("{} here", axes(equation.indices.len())))
                    .label(at, format!("{} here", axes(tensor.rank)))
                    .help("give one index for each axis"),
                );
                names.tensors[id.index()].misdefined = true;
                return;
            }
            id
        }
        Some((entity @ (Entity::Size(_) | Entity::IntParam(_) | Entity::FloatParam(_)), at)) => {
            let noun = if matches!(entity, Entity::Size(_)) { "a size" } else { "a parameter" };
            write_to_given(&name.text, noun, name.span, at, found);
            return;
        }
        Some((Entity::Function(_), at)) => {
            found.push(
                Diagnostic::new(
                    Code::NameClash,
                    format!("tensor `{0}` has the same name as the function `{0}`", name.text),
                )
                .label(name.span, "a tensor")
                .label(at, "a function")
                .help("rename one of them"),
            );
            return;
        }
    };
    names.tensors[id.index()].equations.push(position);
}

fn write_to_given(name: &str, noun: &str, span: Span, at: Span, found: &mut Diagnostics) -> Reported {
    found.push(
        Diagnostic::new(Code::WriteToInput, format!("`{name}` is {noun}: the caller gives it"))
            .label(span, "defined here")
            .label(at, format!("{noun} here"))
            .help("give the result another name"),
    )
}

/// Fills in the types of a declaration, now that all sizes are known.
fn state_types(declaration: &Declaration, options: &Options, names: &mut Names<'_>, found: &mut Diagnostics) {
    if declaration.kind == DeclarationKind::Param {
        let Some(default) = &declaration.default else { return };
        for name in &declaration.names {
            if let Some((Entity::IntParam(symbol), _)) = names.get(&name.text) {
                let symbol = symbol.clone();
                let mut aside = Diagnostics::default();
                let value = constants::integer(default, names, &mut aside).ok();
                for mut diagnostic in aside.list {
                    if diagnostic.code == Code::SizeNotInteger {
                        diagnostic.code = Code::ParameterType;
                        diagnostic.message =
                            format!("the default of the int parameter `{}` is not an integer", name.text);
                    }
                    found.push(diagnostic);
                }
                if let Some(row) = names.symbols.iter_mut().find(|row| row.name == symbol) {
                    row.default = value;
                }
            }
        }
        return;
    }
    let mut dims = Some(Vec::new());
    for dim in &declaration.dims {
        let extent = match dim {
            Dim::Expr(expr) => constants::extent(expr, names, found).ok(),
            Dim::Text(_) => None,
        };
        dims = dims.zip(extent).map(|(mut dims, extent)| {
            dims.push(extent);
            dims
        });
    }
    let declared = Declared { dtype: dtype(declaration.dtype, options), dims };
    for name in &declaration.names {
        if let Some((Entity::Tensor(id), at)) = names.get(&name.text)
            && at == name.span
        {
            let id = *id;
            names.tensors[id.index()].declared = Some(declared.clone());
        }
    }
}
