//! Binding: which word of a command line gives which operand, parameter or size of a program.

use super::generate::{Generator, fill, generate};
use super::make_up;
use super::npz::Pack;
use super::{Built, Limits, Source, Word, convert, out_of_memory, read_file, size};
use crate::binding_error::{at_declaration, explain};
use crate::compiler::Number;
use crate::error::{Error, Result};
use crate::specialised::operands;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tcc_frontend::diagnostic::{Code, Diagnostic, nearest};
use tcc_frontend::{Operand, Program};
use tcc_ir::bind::{BindError, OperandShape, bind_symbols};
use tcc_ir::dtype::Kind;
use tcc_ir::graph::{Graph, Input};
use tcc_ir::{Array, Bindings, Dtype, Extent, Name};

/// What the words of a command line say.
pub struct Words {
    named: Vec<(String, Source)>,
    packs: Vec<PathBuf>,
}

/// Operands and numbers of one run.
#[derive(Debug)]
pub struct Bound {
    /// The operands in order of declaration, in their declared dtypes.
    pub arrays: Vec<Array>,
    /// Values of all symbols.
    pub bindings: Bindings,
    /// Parameters and sizes that were given.
    pub numbers: Vec<(String, Number)>,
    /// What the user may want to know.
    pub notes: Vec<String>,
}

/// How operands that are not given are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// They are an error.
    Refuse,
    /// They are made up, and sizes without a value get small ones.
    MakeUp,
}

impl Words {
    /// Reads the words.
    pub fn parse(words: &[String]) -> Result<Words> {
        let mut parsed = Words { named: Vec::new(), packs: Vec::new() };
        let mut wrong = Vec::new();
        for word in words {
            match Word::parse(word) {
                Ok(Word::Named(name, _)) if parsed.named.iter().any(|(known, _)| *known == name) => {
                    let message = format!("`{name}` is given twice");
                    wrong.push(Diagnostic::new(Code::OperandWord, message));
                }
                Ok(Word::Named(name, source)) => parsed.named.push((name, source)),
                Ok(Word::Pack(path)) => parsed.packs.push(path),
                Err(diagnostic) => wrong.push(*diagnostic),
            }
        }
        if wrong.is_empty() { Ok(parsed) } else { Err(Error::Rejected(wrong)) }
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.packs.is_empty()
    }

    /// The numbers among the words.
    pub fn numbers(&self) -> Vec<(String, Number)> {
        let number = |source: &Source| match *source {
            Source::Integer(value) => Some(Number::Integer(value)),
            Source::Number(value) => Some(Number::Real(value)),
            _ => None,
        };
        self.named.iter().filter_map(|(name, source)| Some((name.clone(), number(source)?))).collect()
    }
}

/// Reads operands; files are read once.
pub struct Binder<'a> {
    words: &'a Words,
    packs: Vec<Pack>,
    limits: Limits,
    loaded: Vec<(String, Array)>,
    stdin_read: bool,
}

impl<'a> Binder<'a> {
    /// Opens the packs among the words.
    pub fn new(words: &'a Words, limits: Limits) -> Result<Binder<'a>> {
        let packs = words.packs.iter().map(|path| Pack::open(path)).collect::<Built<Vec<_>>>()?;
        Ok(Binder { words, packs, limits, loaded: Vec::new(), stdin_read: false })
    }

    /// Types and shapes of everything given, in the order given: they type the free tensors of an
    /// expression. Generators without a dtype make f32.
    pub fn types(&mut self) -> Result<Vec<Operand>> {
        let mut types = Vec::new();
        let words = self.words;
        for (name, source) in &words.named {
            let (dtype, shape) = match source {
                Source::Integer(_) | Source::Number(_) => continue,
                Source::Generate(_, _, None) => continue,
                Source::Generate(_, _, Some(shape)) => (Dtype::F32, shape.clone()),
                Source::Npy(_) | Source::Npz(..) | Source::Safetensors(..) | Source::Stdin => {
                    let array = self.explicit_file(name, source)?;
                    (array.dtype(), array.shape().to_vec())
                }
            };
            types.push(Operand { name: name.clone(), dtype, shape });
        }
        for at in 0..self.packs.len() {
            for member in self.packs[at].members().to_vec() {
                let name = member.strip_prefix("in_").unwrap_or(&member).to_owned();
                if member.starts_with("out_") || types.iter().any(|known| known.name == name) {
                    continue;
                }
                // A member that is no array of numbers matters only if the program asks for it.
                let Ok(array) = self.packs[at].read(&member, &self.limits) else { continue };
                types.push(Operand { name, dtype: array.dtype(), shape: array.shape().to_vec() });
            }
        }
        Ok(types)
    }

    /// Finds the data of every input and the value of every symbol.
    ///
    /// # Errors
    /// Everything that is missing or does not fit, in one go where possible.
    pub fn bind(mut self, program: &Program, text: &str, missing: Missing) -> Result<Bound> {
        let graph = &program.graph;
        let mut notes = Vec::new();
        self.refuse_unknown_names(graph)?;
        let mut used = BTreeSet::new();
        let numbers = self.numbers(graph, &mut used)?;
        let (mut found, mut wrong) = (Vec::new(), Vec::new());
        for input in operands(graph) {
            match self.find(input, &mut used, missing) {
                Ok(data) => found.push(data),
                Err(Error::Rejected(diagnostics)) => {
                    let label = |d| at_declaration(d, text, &input.name, "declared here");
                    wrong.extend(diagnostics.into_iter().map(label));
                }
                Err(error) => return Err(error),
            }
        }
        if missing == Missing::Refuse {
            wrong.extend(without_value(graph, &numbers, text));
        }
        if !wrong.is_empty() {
            return Err(Error::Rejected(wrong));
        }
        let shapes: Vec<Option<&[usize]>> = found.iter().map(Data::shape).collect();
        let (bindings, made_up) = solve(graph, &shapes, &numbers, missing, text)?;
        if !made_up.is_empty() {
            notes.push(format!("sizes chosen: {}", made_up.join(" ")));
        }
        let mut arrays = Vec::new();
        for (input, data) in operands(graph).zip(found) {
            arrays.push(self.make(input, data, &bindings)?);
        }
        notes.extend(self.unused_members(&used));
        let mut numbers = numbers;
        if missing == Missing::MakeUp {
            for input in graph.inputs.iter().filter(|input| input.param == Some(None)) {
                if !numbers.iter().any(|(name, _)| **name == *input.name) {
                    numbers.push((input.name.to_string(), Number::Real(0.5)));
                    notes.push(format!("parameter chosen: {}=0.5", input.name));
                }
            }
        }
        Ok(Bound { arrays, bindings, numbers, notes })
    }

    /// Every name on the command line must be a name of the program.
    fn refuse_unknown_names(&self, graph: &Graph) -> Result<()> {
        let known: Vec<&str> = graph
            .inputs
            .iter()
            .map(|input| &*input.name)
            .chain(graph.symbols.iter().map(|symbol| &*symbol.name))
            .collect();
        let unknown = |name: &&String| !known.contains(&name.as_str());
        let wrong: Vec<Diagnostic> = self
            .words
            .named
            .iter()
            .map(|(name, _)| name)
            .filter(unknown)
            .map(|name| {
                let message = format!("the program has no operand, parameter or size `{name}`");
                let computed = graph.outputs.iter().any(|output| *output.name == **name);
                Diagnostic::new(Code::UnknownOperand, message).help(
                    match nearest(name, known.iter().copied()) {
                        _ if computed => format!("`{name}` is an output: it is computed"),
                        Some(near) => format!("did you mean `{near}`?"),
                        None if known.is_empty() => "the program takes no operands".to_owned(),
                        None => format!("it has: {}", known.join(", ")),
                    },
                )
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Error::Rejected(wrong)) }
    }

    /// Values of sizes and parameters: given, else 0-d members of the packs, else 0-d files.
    fn numbers(&mut self, graph: &Graph, used: &mut BTreeSet<String>) -> Result<Vec<(String, Number)>> {
        let mut numbers = Vec::new();
        let symbols = graph.symbols.iter().map(|symbol| (&symbol.name, true));
        let parameters =
            graph.inputs.iter().filter(|input| input.param.is_some()).map(|input| (&input.name, false));
        let words = self.words;
        for (name, integer) in symbols.chain(parameters) {
            let number = match words.named.iter().find(|(known, _)| **known == **name) {
                Some((_, Source::Integer(value))) => Number::Integer(*value),
                Some((_, Source::Number(value))) => Number::Real(*value),
                Some((_, Source::Generate(..))) => {
                    let message = format!("`{name}` is one number; a generator makes an array");
                    return Err(Diagnostic::new(Code::OperandRank, message)
                        .help(format!("write {name}=VALUE"))
                        .into_error());
                }
                Some((_, source)) => {
                    let array = self.explicit_file(name, source)?;
                    scalar(name, array)?
                }
                None => match self.member(name, used)? {
                    Some(array) => scalar(name, &array)?,
                    None => continue,
                },
            };
            match number {
                Number::Real(value) if integer => {
                    let message = format!("`{name}` is an integer, but {value} was given");
                    return Err(Error::rejected(Code::ParameterType, message, None));
                }
                number => numbers.push((name.to_string(), number)),
            }
        }
        Ok(numbers)
    }

    /// The data of one input.
    fn find(&mut self, input: &Input, used: &mut BTreeSet<String>, missing: Missing) -> Result<Data> {
        let name = &input.name;
        let words = self.words;
        let given = words.named.iter().find(|(known, _)| **known == **name).map(|(_, source)| source);
        match given {
            Some(Source::Integer(value)) => self.number(input, *value as f64, Some(*value)),
            Some(Source::Number(value)) => self.number(input, *value, None),
            Some(Source::Generate(generator, seed, shape)) => {
                if let Some(shape) = shape
                    && shape.len() != input.ty.axes.len()
                {
                    return Err(rank(input, shape));
                }
                Ok(Data::Generated(*generator, *seed, shape.clone()))
            }
            Some(source) => {
                let array = self.explicit_file(name, source)?.clone();
                fit(input, array).map(Data::Array)
            }
            None => match (self.member(name, used)?, missing) {
                (Some(array), _) => fit(input, array).map(Data::Array),
                (None, Missing::MakeUp) => Ok(Data::MadeUp),
                (None, Missing::Refuse) => Err(not_given(input)),
            },
        }
    }

    /// A 0-d operand given as a number.
    fn number(&self, input: &Input, value: f64, integer: Option<i64>) -> Result<Data> {
        if !input.ty.axes.is_empty() {
            return Err(rank(input, &[]));
        }
        let dtype = input.ty.dtype;
        if matches!(dtype.kind(), Kind::Int | Kind::Bool) && integer.is_none_or(|i| dtype.wrap(i) != i) {
            let message = format!("{value} is no value of `{}`, which is {dtype}", input.name);
            return Err(Error::rejected(Code::OperandDtype, message, None));
        }
        let array = match integer {
            // Beyond 2^53 an f64 is not exact.
            Some(value) if dtype == Dtype::I64 => Array::from_bytes(dtype, &[], &value.to_ne_bytes()),
            _ => fill(dtype, &[], &mut || (value, 0.0)),
        };
        array.map(Data::Array).ok_or_else(|| Error::Bug("a number has no bytes".into()))
    }

    /// The array of a file that a word names.
    fn explicit_file(&mut self, name: &str, source: &Source) -> Result<&Array> {
        let at = match self.loaded.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                if *source == Source::Stdin && std::mem::replace(&mut self.stdin_read, true) {
                    let message = "standard input gives one operand only".to_owned();
                    return Err(Error::rejected(Code::OperandWord, message, None));
                }
                let array = read_file(source, &mut std::io::stdin().lock(), &self.limits)?;
                let array = array.ok_or_else(|| Error::Bug("a source holds no array".into()))?;
                self.loaded.push((name.to_owned(), array));
                self.loaded.len() - 1
            }
        };
        Ok(&self.loaded[at].1)
    }

    /// The member of the packs that belongs to `name`: `name` itself, else `in_name`.
    fn member(&mut self, name: &str, used: &mut BTreeSet<String>) -> Result<Option<Array>> {
        let prefixed = format!("in_{name}");
        let mut places = Vec::new();
        for (at, pack) in self.packs.iter().enumerate() {
            places.extend([name, &prefixed].into_iter().filter(|m| pack.has(m)).map(|m| (at, m.to_owned())));
        }
        match places.as_slice() {
            [] => Ok(None),
            [(at, member)] => {
                used.insert(self.packs[*at].place(member));
                Ok(Some(self.packs[*at].read(member, &self.limits)?))
            }
            [(a, first), (b, second), ..] => {
                let (first, second) = (self.packs[*a].place(first), self.packs[*b].place(second));
                let message = format!("`{name}` could be `{first}` or `{second}`");
                let help = format!("say which: {name}={first}");
                Err(Diagnostic::new(Code::AmbiguousMember, message).help(help).into_error())
            }
        }
    }

    /// The array of an input, now that all sizes are known.
    fn make(&self, input: &Input, data: Data, bindings: &Bindings) -> Result<Array> {
        let name = &*input.name;
        let declared = || -> Result<Vec<usize>> {
            let extent = |axis: &tcc_ir::Axis| {
                let value = axis.extent.eval(bindings).map_err(|error| error.to_string())?;
                usize::try_from(value).map_err(|_| format!("size `{}` would be {value}", axis.extent))
            };
            let shape: Result<Vec<usize>, String> = input.ty.axes.iter().map(extent).collect();
            shape.map_err(|message| Error::rejected(Code::NegativeSize, message, None))
        };
        let dtype = input.ty.dtype;
        let (array, shape) = match data {
            Data::Array(array) => return Ok(array),
            Data::Generated(generator, seed, shape) => {
                let shape = shape.map_or_else(declared, Ok)?;
                self.check_size(name, dtype, &shape)?;
                (generate(generator, seed, name, dtype, &shape), shape)
            }
            Data::MadeUp => {
                let shape = declared()?;
                self.check_size(name, dtype, &shape)?;
                (make_up::elements(input, &shape), shape)
            }
        };
        array.ok_or_else(|| {
            let bytes = shape.iter().fold(dtype.size_bytes() as u64, |n, &e| n.saturating_mul(e as u64));
            out_of_memory(name, bytes, &self.limits).into()
        })
    }

    fn check_size(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<()> {
        let bytes =
            shape.iter().fold(dtype.size_bytes() as u64, |n, &extent| n.saturating_mul(extent as u64));
        if bytes > self.limits.memory {
            let (needed, allowed) = (size(bytes), size(self.limits.memory));
            let message = format!("`{name}` needs {needed}, more than the limit of {allowed}");
            return Err(Diagnostic::new(Code::MemoryLimit, message)
                .help("raise the limit: --memory 16GiB")
                .into_error());
        }
        Ok(())
    }

    fn unused_members(&self, used: &BTreeSet<String>) -> Option<String> {
        let mut ignored = Vec::new();
        for pack in &self.packs {
            let members = pack.members().iter();
            ignored.extend(members.filter(|m| !used.contains(&pack.place(m))).map(String::as_str));
        }
        let shown = 8;
        let more =
            if ignored.len() > shown { format!(", .. ({} in all)", ignored.len()) } else { String::new() };
        let first: Vec<&str> = ignored.iter().take(shown).copied().collect();
        (!ignored.is_empty()).then(|| format!("members without a use here: {}{more}", first.join(", ")))
    }
}

/// Parameters that have neither a value nor a default.
fn without_value(graph: &Graph, numbers: &[(String, Number)], text: &str) -> Vec<Diagnostic> {
    let symbols = graph.symbols.iter().filter(|s| s.param && s.default.is_none()).map(|s| &s.name);
    let inputs = graph.inputs.iter().filter(|input| input.param == Some(None)).map(|input| &input.name);
    symbols
        .chain(inputs)
        .filter(|name| !numbers.iter().any(|(known, _)| **known == ***name))
        .map(|name| {
            let diagnostic = Diagnostic::new(Code::MissingValue, format!("parameter `{name}` has no value"));
            at_declaration(diagnostic.help(format!("give {name}=VALUE")), text, name, "declared here")
        })
        .collect()
}

/// Values of all symbols; made-up ones are listed in the second result.
fn solve(
    graph: &Graph,
    shapes: &[Option<&[usize]>],
    numbers: &[(String, Number)],
    missing: Missing,
    text: &str,
) -> Result<(Bindings, Vec<String>)> {
    let mut given = Bindings::new();
    for (name, number) in numbers {
        if let Number::Integer(value) = number
            && graph.symbols.iter().any(|symbol| *symbol.name == **name)
        {
            given.insert(name.as_str().into(), *value);
        }
    }
    let mut known: Vec<(&Name, Vec<Extent>, &[usize])> = Vec::new();
    for (input, shape) in operands(graph).zip(shapes) {
        if let Some(shape) = shape {
            let declared = input.ty.axes.iter().map(|axis| axis.extent.clone()).collect();
            known.push((&input.name, declared, shape));
        }
    }
    let try_with = |given: &Bindings| {
        let shapes: Vec<OperandShape<'_>> =
            known.iter().map(|(name, declared, actual)| OperandShape { name, declared, actual }).collect();
        bind_symbols(&graph.symbols, &graph.requirements, &shapes, given)
    };
    match try_with(&given) {
        Ok(bindings) => Ok((bindings, Vec::new())),
        Err(BindError::Unsolved(open)) if missing == Missing::MakeUp => {
            make_up::choose_sizes(graph, &open, &given, &try_with)
        }
        Err(error) => Err(explain(&error, graph, text)),
    }
}

/// Where the elements of an input come from.
enum Data {
    Array(Array),
    Generated(Generator, u64, Option<Vec<usize>>),
    MadeUp,
}

impl Data {
    fn shape(&self) -> Option<&[usize]> {
        match self {
            Data::Array(array) => Some(array.shape()),
            Data::Generated(_, _, shape) => shape.as_deref(),
            Data::MadeUp => None,
        }
    }
}

/// Checks rank and dtype of given data; widens what loses nothing.
fn fit(input: &Input, array: Array) -> Result<Array> {
    if array.shape().len() != input.ty.axes.len() {
        return Err(rank(input, array.shape()));
    }
    let (from, to) = (array.dtype(), input.ty.dtype);
    match convert::widen(&array, to) {
        Some(std::borrow::Cow::Owned(wide)) => Ok(wide),
        Some(std::borrow::Cow::Borrowed(_)) => Ok(array),
        None => {
            let message = format!("`{}` is declared {to}, but the data are {from}", input.name);
            let help = match (from, to) {
                (Dtype::F64, Dtype::F32 | Dtype::F16 | Dtype::BF16) | (Dtype::C128, Dtype::C64) => {
                    format!(
                        "declare `{}` as {from}, run everything in double precision with --type f64, or store the data as {to}",
                        input.name
                    )
                }
                _ => format!("declare `{}` as {from}, or store the data as {to}", input.name),
            };
            Err(Diagnostic::new(Code::OperandDtype, message).help(help).into_error())
        }
    }
}

fn rank(input: &Input, shape: &[usize]) -> Error {
    let declared: Vec<String> = input.ty.axes.iter().map(|axis| axis.extent.to_string()).collect();
    let message = format!(
        "`{}` is declared with {} axes [{}], but the data have {}: {shape:?}",
        input.name,
        declared.len(),
        declared.join(", "),
        shape.len(),
    );
    Error::rejected(Code::OperandRank, message, None)
}

fn not_given(input: &Input) -> Error {
    let name = &input.name;
    let extents: Vec<String> = input.ty.axes.iter().map(|axis| axis.extent.to_string()).collect();
    let shape = if extents.is_empty() { String::new() } else { format!("[{}]", extents.join(", ")) };
    let example = if extents.is_empty() {
        "1".to_owned()
    } else {
        format!("rand:{}", vec!["4"; extents.len()].join("x"))
    };
    Diagnostic::new(
        Code::MissingOperand,
        format!("operand `{name}` : {}{shape} is not given", input.ty.dtype),
    )
    .help(format!(
        "give a file {name}={}.npy or made-up numbers {name}={example}; --demo makes up all",
        name.to_lowercase()
    ))
    .into_error()
}

/// The value of a 0-d array.
fn scalar(name: &str, array: &Array) -> Result<Number> {
    if !array.shape().is_empty() {
        let message = format!("`{name}` is one number, but the data have the shape {:?}", array.shape());
        return Err(Error::rejected(Code::OperandRank, message, None));
    }
    match array.dtype().kind() {
        Kind::Bool | Kind::Int => Ok(Number::Integer(convert::integer(array.dtype(), array.bytes()))),
        Kind::Float => Ok(Number::Real(convert::float(array.dtype(), array.bytes()))),
        Kind::Complex => {
            let message = format!("`{name}` is a real number, but the data are {}", array.dtype());
            Err(Error::rejected(Code::OperandDtype, message, None))
        }
    }
}

/// A diagnostic as the error of the library.
trait IntoError {
    fn into_error(self) -> Error;
}

impl IntoError for Diagnostic {
    fn into_error(self) -> Error {
        Error::Rejected(vec![self])
    }
}

/// Members of a file with expected results, by the name of the output.
pub fn expected(path: &Path, outputs: &[&str], limits: &Limits) -> Result<Vec<(String, Option<Array>)>> {
    let mut pack = Pack::open(path)?;
    let mut found = Vec::new();
    for output in outputs {
        let prefixed = format!("out_{output}");
        let member = match (pack.has(&prefixed), pack.has(output)) {
            (true, true) => {
                let message = format!("`{}` has both `{output}` and `{prefixed}`", path.display());
                return Err(Error::rejected(Code::AmbiguousMember, message, None));
            }
            (true, false) => Some(prefixed),
            (false, true) => Some((*output).to_owned()),
            (false, false) => None,
        };
        let array = member.map(|member| pack.read(&member, limits)).transpose()?;
        found.push(((*output).to_owned(), array));
    }
    Ok(found)
}
