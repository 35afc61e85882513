//! Binding: which word of a command line gives which operand, parameter or size of a program.

use super::fit::{example, fit, number, rank, scalar};
use super::generate::{Generator, generate};
use super::make_up::{self, STYLES, Style};
use super::npz::Pack;
use super::words::Words;
use super::{Built, Limits, Source, list, out_of_memory, read_file, shown};
use crate::binding_error::{at_declaration, explain};
use crate::compiler::Number;
use crate::error::{Error, Result};
use crate::specialised::{no_integer, operands};
use std::collections::BTreeSet;
use tcc_frontend::Operand;
use tcc_frontend::diagnostic::{Code, Diagnostic, nearest, printable};
use tcc_ir::bind::{BindError, OperandShape, bind_known, bind_symbols};
use tcc_ir::graph::{Graph, Input};
use tcc_ir::{Array, Bindings, Dtype, Extent, Name};

/// Operands and numbers of one run.
#[derive(Debug)]
pub struct Bound {
    /// The operands in order of declaration, in their declared dtypes; none with [`Missing::Open`].
    pub arrays: Vec<Array>,
    /// Values of all symbols; with [`Missing::Open`] of those that are known.
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
    /// They stay open: those given determine sizes, and no data are made.
    Open,
}

/// What operands are bound to.
pub struct Wanted<'a> {
    /// The program.
    pub graph: &'a Graph,
    /// Its text.
    pub text: &'a str,
    /// What happens to inputs that are not given.
    pub missing: Missing,
    /// Whether sizes are acceptable; asked before data of these sizes are made.
    pub fits: &'a dyn Fn(&Bindings) -> Result<()>,
}

/// Reads operands; files are read once.
pub struct Binder<'a> {
    words: &'a Words,
    packs: Vec<Pack>,
    limits: Limits,
    loaded: Vec<(String, Array)>,
}

impl<'a> Binder<'a> {
    /// Opens the packs among the words.
    pub fn new(words: &'a Words, limits: Limits) -> Result<Binder<'a>> {
        let packs = words.packs.iter().map(|path| Pack::open(path)).collect::<Built<Vec<_>>>()?;
        Ok(Binder { words, packs, limits, loaded: Vec::new() })
    }

    /// Types and shapes of everything given, in the order given: they type the free tensors of an
    /// expression. Generators without a dtype make f32.
    pub fn types(&mut self) -> Result<Vec<Operand>> {
        let mut types = Vec::new();
        let words = self.words;
        for (name, source) in &words.named {
            let (dtype, shape) = match source {
                Source::Integer(_) | Source::Number(..) => continue,
                Source::Generate(_, _, shape) => (Dtype::F32, shape.clone()),
                Source::Npy(_) | Source::Npz(..) | Source::Safetensors(..) | Source::Stdin => {
                    let array = self.explicit_file(name, source)?;
                    (array.dtype(), Some(array.shape().to_vec()))
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
                types.push(Operand { name, dtype: array.dtype(), shape: Some(array.shape().to_vec()) });
            }
        }
        Ok(types)
    }

    /// Finds the data of every input and the value of every symbol.
    ///
    /// # Errors
    /// Everything that is missing or does not fit, in one go where possible.
    pub fn bind(mut self, wanted: &Wanted<'_>) -> Result<Bound> {
        let &Wanted { graph, text, missing, .. } = wanted;
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
        if missing == Missing::Open {
            let bindings = self.known_sizes(wanted, &found, &numbers)?;
            notes.extend(self.unused_values(graph));
            notes.extend(self.unused_members(&used));
            return Ok(Bound { arrays: Vec::new(), bindings, numbers, notes });
        }
        let mut numbers = numbers;
        if missing == Missing::MakeUp {
            for input in graph.inputs.iter().filter(|input| input.param == Some(None)) {
                if !numbers.iter().any(|(name, _)| **name == *input.name) {
                    numbers.push((input.name.to_string(), Number::Real(0.5)));
                    notes.push(format!("parameter chosen: {}=0.5", input.name));
                }
            }
        }
        let (arrays, bindings) = self.arrays(wanted, found, &numbers, &mut notes)?;
        notes.extend(self.unused_members(&used));
        Ok(Bound { arrays, bindings, numbers, notes })
    }

    /// The arrays of all operands, with a value for every symbol. What is made up passes the run-time checks
    /// of the program if that can be had.
    fn arrays(
        &self,
        wanted: &Wanted<'_>,
        found: Vec<Data>,
        numbers: &[(String, Number)],
        notes: &mut Vec<String>,
    ) -> Result<(Vec<Array>, Bindings)> {
        let &Wanted { graph, text, missing, fits } = wanted;
        let shapes: Vec<Option<&[usize]>> = found.iter().map(Data::shape).collect();
        let given = given(graph, numbers);
        let known = known(graph, &shapes);
        let try_with = |given: &Bindings| try_with(graph, &known, given);
        let arrays = |bindings: &Bindings, style: &Style| -> Result<Vec<Array>> {
            fits(bindings)?;
            let all = operands(graph).zip(&found);
            all.map(|(input, data)| self.make(input, data.clone(), bindings, style)).collect()
        };
        let open = match try_with(&given) {
            Ok(bindings) if missing == Missing::Refuse || !found.contains(&Data::MadeUp) => {
                fits(&bindings)?;
                let all = operands(graph).zip(found);
                let made = all.map(|(input, data)| self.make(input, data, &bindings, &STYLES[0]));
                return Ok((made.collect::<Result<_>>()?, bindings));
            }
            Ok(_) => Vec::new(),
            Err(BindError::Unsolved(open)) if missing == Missing::MakeUp => open,
            Err(error) => {
                return Err(shape_hint(explain(&error, graph, text, &self.sources(graph)), graph, &found));
            }
        };
        let made_up: Vec<&Name> = operands(graph)
            .zip(&found)
            .filter(|(_, data)| **data == Data::MadeUp)
            .map(|(input, _)| &input.name)
            .collect();
        let (bindings, arrays) =
            make_up::choose(graph, (&open, &given), (numbers, &made_up), &try_with, &arrays, text)?;
        if !open.is_empty() {
            let chosen: Vec<String> = open.iter().map(|name| format!("{name}={}", bindings[name])).collect();
            notes.push(format!("sizes and parameters chosen: {}", chosen.join(" ")));
        }
        Ok((arrays, bindings))
    }

    /// The sizes that operands and numbers determine; the others stay open.
    fn known_sizes(
        &self,
        wanted: &Wanted<'_>,
        found: &[Data],
        numbers: &[(String, Number)],
    ) -> Result<Bindings> {
        let graph = wanted.graph;
        let shapes: Vec<Option<&[usize]>> = found.iter().map(Data::shape).collect();
        let known = known(graph, &shapes);
        let bindings =
            bind_known(&graph.symbols, &graph.requirements, &operand_shapes(&known), &given(graph, numbers));
        bindings.map_err(|error| explain(&error, graph, wanted.text, &self.sources(graph)))
    }

    /// How operands were given, for messages: the file of each that is in one.
    fn sources(&self, graph: &Graph) -> Vec<(Name, String)> {
        let source = |input: &Input| Some((input.name.clone(), self.source(&input.name)?));
        operands(graph).filter_map(source).collect()
    }

    /// The file that an operand comes from.
    fn source(&self, name: &str) -> Option<String> {
        match self.words.named.iter().find(|(known, _)| known == name).map(|(_, source)| source) {
            Some(Source::Npy(path)) => Some(shown(path)),
            Some(Source::Npz(path, member) | Source::Safetensors(path, member)) => {
                Some(format!("{}:{}", shown(path), printable(member)))
            }
            Some(Source::Stdin) => Some("standard input".into()),
            Some(_) => None,
            None => {
                let (at, member) = self.places(name).into_iter().next()?;
                Some(self.packs[at].place(&member))
            }
        }
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
            let mut word = String::new();
            let number = match words.named.iter().find(|(known, _)| **known == **name) {
                Some((_, Source::Integer(value))) => Number::Integer(*value),
                Some((_, Source::Number(value, written))) => {
                    word.clone_from(written);
                    Number::Real(*value)
                }
                Some((_, Source::Generate(..))) => {
                    let message = format!("`{name}` is one number; a generator makes an array");
                    return Err(Diagnostic::new(Code::OperandRank, message)
                        .help(format!("write {name}=VALUE"))
                        .into());
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
            let number = match (integer, number.to_integer(), number) {
                (false, _, number) => number,
                (true, Some(value), _) => Number::Integer(value),
                (true, None, number) => {
                    let word = if word.is_empty() { number.to_f64().to_string() } else { word };
                    return Err(no_integer(name, &word).into());
                }
            };
            numbers.push((name.to_string(), number));
        }
        Ok(numbers)
    }

    /// The data of one input.
    fn find(&mut self, input: &Input, used: &mut BTreeSet<String>, missing: Missing) -> Result<Data> {
        let name = &input.name;
        let words = self.words;
        let given = words.named.iter().find(|(known, _)| **known == **name).map(|(_, source)| source);
        match given {
            Some(Source::Integer(value)) => {
                number(input, Number::Integer(*value), &value.to_string()).map(Data::Array)
            }
            Some(Source::Number(value, word)) => number(input, Number::Real(*value), word).map(Data::Array),
            Some(Source::Generate(generator, seed, shape)) => {
                if let Some(shape) = shape
                    && shape.len() != input.ty.axes.len()
                {
                    return Err(rank(input, shape, None));
                }
                Ok(Data::Generated(*generator, *seed, shape.clone()))
            }
            Some(source) => {
                let array = self.explicit_file(name, source)?.clone();
                fit(input, array, self.source(name)).map(Data::Array)
            }
            None => match (self.member(name, used)?, missing) {
                (Some(array), _) => fit(input, array, self.source(name)).map(Data::Array),
                (None, Missing::MakeUp | Missing::Open) => Ok(Data::MadeUp),
                (None, Missing::Refuse) => Err(not_given(input, &self.packs)),
            },
        }
    }

    /// The array of a file that a word names.
    fn explicit_file(&mut self, name: &str, source: &Source) -> Result<&Array> {
        let at = match self.loaded.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                let array = read_file(source, &mut std::io::stdin().lock(), &self.limits)?;
                let array = array.ok_or_else(|| Error::Bug("a source holds no array".into()))?;
                self.loaded.push((name.to_owned(), array));
                self.loaded.len() - 1
            }
        };
        Ok(&self.loaded[at].1)
    }

    /// The members of the packs that may belong to `name`: `name` itself, and `in_name`.
    fn places(&self, name: &str) -> Vec<(usize, String)> {
        let members = [name.to_owned(), format!("in_{name}")];
        let has = |(at, pack): (usize, &Pack)| {
            let found: Vec<_> = members.iter().filter(|m| pack.has(m)).map(|m| (at, m.clone())).collect();
            found
        };
        self.packs.iter().enumerate().flat_map(has).collect()
    }

    /// The member of the packs that belongs to `name`.
    fn member(&mut self, name: &str, used: &mut BTreeSet<String>) -> Result<Option<Array>> {
        match self.places(name).as_slice() {
            [] => Ok(None),
            [(at, member)] => {
                used.insert(self.packs[*at].place(member));
                Ok(Some(self.packs[*at].read(member, &self.limits)?))
            }
            [(a, first), (b, second), ..] => {
                let (first, second) = (self.packs[*a].place(first), self.packs[*b].place(second));
                let message = format!("`{name}` could be `{first}` or `{second}`");
                let help = format!("say which: {name}={first}");
                Err(Diagnostic::new(Code::AmbiguousMember, message).help(help).into())
            }
        }
    }

    /// The array of an input, now that all sizes are known.
    fn make(&self, input: &Input, data: Data, bindings: &Bindings, style: &Style) -> Result<Array> {
        let name = &*input.name;
        let declared = || -> Result<Vec<usize>> {
            let extent = |axis: &tcc_ir::Axis| {
                let value = axis.extent.eval(bindings).map_err(|error| error.to_string())?;
                usize::try_from(value).map_err(|_| format!("size `{}` would be {value}", axis.extent))
            };
            let shape: Result<Vec<usize>, String> = input.ty.axes.iter().map(extent).collect();
            shape.map_err(|message| {
                Diagnostic::new(Code::NegativeSize, message).help("choose other sizes").into()
            })
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
                (make_up::elements(input, &shape, style), shape)
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
            return Err(out_of_memory(name, bytes, &self.limits).into());
        }
        Ok(())
    }

    /// Values that were given to inputs: where only sizes count they have no effect.
    fn unused_values(&self, graph: &Graph) -> Option<String> {
        let is_input = |name: &str| graph.inputs.iter().any(|input| *input.name == *name);
        let is_number = |source: &Source| matches!(source, Source::Integer(_) | Source::Number(..));
        let unused = self.words.named.iter().filter(|(name, source)| is_number(source) && is_input(name));
        let names: Vec<&str> = unused.map(|(name, _)| name.as_str()).collect();
        (!names.is_empty()).then(|| {
            format!(
                "only sizes are fixed here; the value stays an argument of the kernel: {}",
                names.join(", ")
            )
        })
    }

    fn unused_members(&self, used: &BTreeSet<String>) -> Option<String> {
        let mut ignored: Vec<&str> = Vec::new();
        for pack in &self.packs {
            let members = pack.members().iter();
            ignored.extend(members.filter(|m| !used.contains(&pack.place(m))).map(String::as_str));
        }
        let names = list(ignored.iter().copied());
        (!ignored.is_empty()).then(|| format!("members without a use here: {names}"))
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

/// Sizes without a value may come from the shape of a generator that was left out: says so.
fn shape_hint(error: Error, graph: &Graph, found: &[Data]) -> Error {
    let Error::Rejected(mut diagnostics) = error else { return error };
    let shapeless = |(input, data): &(&Input, &Data)| {
        matches!(data, Data::Generated(_, _, None)) && !input.ty.axes.is_empty()
    };
    if let Some((input, Data::Generated(generator, ..))) = operands(graph).zip(found).find(shapeless) {
        let shape = example(input.ty.axes.len()).replace("rand", generator.name());
        for diagnostic in diagnostics.iter_mut().filter(|d| d.code == Code::MissingValue) {
            if let Some(help) = &mut diagnostic.help {
                help.push_str(&format!(", or a shape: {}={shape}", input.name));
            }
        }
    }
    Error::Rejected(diagnostics)
}

/// The numbers that are values of symbols.
fn given(graph: &Graph, numbers: &[(String, Number)]) -> Bindings {
    let is_symbol = |name: &str| graph.symbols.iter().any(|symbol| *symbol.name == *name);
    let integers = numbers.iter().filter(|(name, _)| is_symbol(name));
    integers.filter_map(|(name, number)| Some((name.as_str().into(), number.to_integer()?))).collect()
}

/// An operand with its declared extents and its shape.
type Known<'a> = (&'a Name, Vec<Extent>, &'a [usize]);

/// The operands whose shapes are known.
fn known<'a>(graph: &'a Graph, shapes: &[Option<&'a [usize]>]) -> Vec<Known<'a>> {
    let declared = |input: &Input| input.ty.axes.iter().map(|axis| axis.extent.clone()).collect();
    let all = operands(graph).zip(shapes);
    all.filter_map(|(input, shape)| Some((&input.name, declared(input), (*shape)?))).collect()
}

fn try_with(graph: &Graph, known: &[Known<'_>], given: &Bindings) -> Result<Bindings, BindError> {
    bind_symbols(&graph.symbols, &graph.requirements, &operand_shapes(known), given)
}

fn operand_shapes<'k>(known: &'k [Known<'_>]) -> Vec<OperandShape<'k>> {
    known.iter().map(|(name, declared, actual)| OperandShape { name, declared, actual }).collect()
}

/// Where the elements of an input come from.
#[derive(Clone, PartialEq)]
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

fn not_given(input: &Input, packs: &[Pack]) -> Error {
    let name = &input.name;
    let extents: Vec<String> = input.ty.axes.iter().map(|axis| axis.extent.to_string()).collect();
    let shape = if extents.is_empty() { String::new() } else { format!("[{}]", extents.join(", ")) };
    let message = format!("operand `{name}` : {}{shape} is not given", input.ty.dtype);
    let has = |pack: &Pack| {
        format!("`{}` has {}", pack.place("").trim_end_matches(':'), pack.nearest_first(&[name]))
    };
    let packs: Vec<String> = packs.iter().map(has).collect();
    let help = match packs.is_empty() {
        true => format!(
            "give a file {name}={}.npy or made-up numbers {name}={}; --demo makes up all",
            name.to_lowercase(),
            example(extents.len())
        ),
        false => format!("pick a member: {name}=PACK.npz:MEMBER; {}", packs.join("; ")),
    };
    Diagnostic::new(Code::MissingOperand, message).help(help).into()
}

/// The members of a file with expected results that belong to the outputs.
pub fn expected(pack: &mut Pack, outputs: &[&str], limits: &Limits) -> Result<Vec<Option<Array>>> {
    let mut found = Vec::new();
    for output in outputs {
        let prefixed = format!("out_{output}");
        let member = match (pack.has(&prefixed), pack.has(output)) {
            (true, true) => {
                let (plain, prefixed) = (pack.place(output), pack.place(&prefixed));
                let message = format!("the expected `{output}` could be `{plain}` or `{prefixed}`");
                let help = "keep one of the two members, or rename the other";
                return Err(Diagnostic::new(Code::AmbiguousMember, message).help(help).into());
            }
            (true, false) => Some(prefixed),
            (false, true) => Some((*output).to_owned()),
            (false, false) => None,
        };
        found.push(member.map(|member| pack.read(&member, limits)).transpose()?);
    }
    Ok(found)
}
