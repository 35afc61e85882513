//! Witnesses: small programs on which one planted bug shows.
//!
//! ```text
//! # why the bug shows here
//! pipeline = canonicalize, cse | fuse     optional: the passes; without it none run
//! contract = strict                       optional: the floating-point contract
//! sizes = n=5 m=3                         optional: values of symbols; without it a few small ones
//! data A[2, 3] = 1 2 3 4 5 6              optional: an operand; `ramp` for 1 2 3 ..
//! expect y = 5 7 9                        optional: what the program means for that data
//! backends = cranelift                    optional: must compute what the loops mean
//! evaluate = no                           optional: the loops are too large for that
//! fortran = 3 3                           instead of a program: an array of this shape is read
//!
//! in A : f32[n, m]                        a program of the language, an einsum string, a graph or loops
//! ```

use crate::meaning::{self, Question, same, small_bindings};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use tcc_backends::Backend;
use tcc_frontend::{Operand, Options};
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_ir::planted::select_bug;
use tcc_ir::{Array, Bindings, Dtype, Ir, Native, Tensor, Value};
use tcc_passes::lower::lower;
use tcc_passes::{Contract, PassContext, Pipeline, PipelineError, Quiet};

/// What saw that something is wrong, and what.
type Outcome = Result<(), (&'static str, String)>;

/// Without a bug a witness passes; with its bug it fails, in the way that the table says.
pub fn fails_with_its_bug_alone(file: &Path, bug: u32, oracle: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let witness = Witness::read(&text)?;
    select_bug(0);
    witness.run().map_err(|(oracle, what)| format!("fails without a bug ({oracle}): {what}"))?;
    select_bug(bug);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let seen = catch_unwind(AssertUnwindSafe(|| witness.run())).unwrap_or(Err(("panic", String::new())));
    std::panic::set_hook(hook);
    select_bug(0);
    match seen {
        Ok(()) => Err("passes with its bug".into()),
        Err((seen, _)) if seen == oracle => Ok(()),
        Err((seen, what)) => Err(format!("the table says that `{oracle}` sees it, `{seen}` did: {what}")),
    }
}

#[derive(Default)]
struct Witness {
    pipeline: Pipeline,
    context: PassContext,
    sizes: Option<Bindings>,
    data: Vec<(String, Vec<usize>, Vec<f64>)>,
    expected: Vec<(String, Vec<f64>)>,
    backend: Option<&'static Backend>,
    too_large: bool,
    fortran: Option<Vec<usize>>,
    program: String,
}

impl Witness {
    fn read(text: &str) -> Result<Witness, String> {
        let (header, program) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut witness = Witness { program: program.to_owned(), ..Witness::default() };
        witness.context.verify = true;
        for line in header.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.split_once('=').ok_or_else(|| format!("no `=` in `{line}`"))?;
            witness.set(name.trim(), value.trim()).map_err(|error| format!("`{line}`: {error}"))?;
        }
        Ok(witness)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name.split_once(' ').unwrap_or((name, "")) {
            ("pipeline", _) => self.pipeline = Pipeline::parse(value).map_err(|error| error.to_string())?,
            ("contract", _) => {
                self.context.contract = Contract::from_name(value).ok_or("no such contract")?
            }
            ("sizes", _) => {
                let mut sizes = Bindings::new();
                for (name, size) in value.split_whitespace().filter_map(|word| word.split_once('=')) {
                    sizes.insert(name.into(), size.parse().map_err(|_| "not an integer")?);
                }
                self.sizes = Some(sizes);
            }
            ("data", operand) => {
                let (name, shape) = operand.split_once('[').unwrap_or((operand, ""));
                let shape: Vec<usize> = numbers(&shape.replace([',', ']'], " "))?;
                let count: usize = shape.iter().product();
                let data =
                    if value == "ramp" { (1..=count).map(|n| n as f64).collect() } else { numbers(value)? };
                self.data.push((name.to_owned(), shape, data));
            }
            ("expect", output) => self.expected.push((output.to_owned(), numbers(value)?)),
            ("backends", _) => self.backend = Some(tcc_backends::backend(value).ok_or("no such backend")?),
            ("evaluate", _) => self.too_large = value == "no",
            ("fortran", _) => self.fortran = Some(numbers(value)?),
            _ => return Err("no such setting".into()),
        }
        Ok(())
    }

    fn run(&self) -> Outcome {
        if let Some(shape) = &self.fortran {
            return read_fortran(shape);
        }
        if self.program.starts_with("func") {
            let func: Func = self.program.parse().map_err(|error| ("text", format!("{error}")))?;
            func.verify().map_err(|errors| ("text", errors.to_string()))?;
            let after = self.loops(&func)?;
            if self.too_large {
                return Ok(());
            }
            return self.same_stage(&func, &after).and_then(|()| self.run_backend(&after));
        }
        let graph = self.graph()?;
        self.numbers(&graph)?;
        let mut after = graph.clone();
        self.pipeline.run_graph(&mut after, &self.context, &mut Quiet).map_err(broken)?;
        self.same_stage(&graph, &after)?;
        let func = lower(&after, &self.context).map_err(|error| ("lower", error.to_string()))?;
        let func = self.loops(&func)?;
        self.same_stage(&graph, &func)?;
        self.run_backend(&func)
    }

    fn graph(&self) -> Result<Graph, (&'static str, String)> {
        if self.program.starts_with("graph") {
            let graph: Graph = self.program.parse().map_err(|error| ("text", format!("{error}")))?;
            graph.verify().map_err(|errors| ("text", errors.to_string()))?;
            return Ok(graph);
        }
        let operand = |(name, shape, _): &(String, Vec<usize>, Vec<f64>)| Operand {
            name: name.clone(),
            dtype: Dtype::F32,
            shape: Some(shape.clone()),
        };
        let operands = self.data.iter().map(operand).collect();
        let options = Options { name: "witness".into(), operands, ..Options::default() };
        match tcc_frontend::compile(&self.program, &options) {
            Ok(program) => Ok(program.graph),
            Err(found) => {
                let found: Vec<String> = found.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
                Err(("refused", found.join("; ")))
            }
        }
    }

    fn loops(&self, func: &Func) -> Result<Func, (&'static str, String)> {
        let mut after = func.clone();
        self.pipeline.run_loops(&mut after, &self.context, &mut Quiet).map_err(broken)?;
        Ok(after)
    }

    /// The operands of a program: as given, or else made up.
    fn inputs(&self, program: &impl meaning::Program) -> Result<Vec<Tensor<Native>>, (&'static str, String)> {
        let operands = program.operands();
        if self.data.is_empty() {
            let bindings = self.sizes.clone().unwrap_or_default();
            return Ok(meaning::operands(program, meaning::Draw::Integers, question(&bindings, 1)));
        }
        let tensor =
            |((name, shape, data), operand): (&(String, Vec<usize>, Vec<f64>), &meaning::Operand)| {
                Tensor::from_f64s(operand.dtype, shape, data).ok_or(("text", format!("the data of {name}")))
            };
        self.data.iter().zip(&operands).map(tensor).collect()
    }

    /// The values that the caller gives to symbols.
    fn bindings(&self, program: &impl meaning::Program) -> Bindings {
        let symbols = program.open_symbols();
        let mut bindings = self.sizes.clone().unwrap_or_default();
        bindings.retain(|name, _| symbols.iter().any(|symbol| **symbol == **name));
        bindings
    }

    /// What the program means, beside the numbers that the witness states.
    fn numbers(&self, graph: &Graph) -> Outcome {
        if self.expected.is_empty() {
            return Ok(());
        }
        let results = graph.eval(&self.inputs(graph)?, &self.bindings(graph));
        let results = results.map_err(|error| ("numbers", error.to_string()))?;
        for (name, expected) in &self.expected {
            let position = graph.outputs.iter().position(|output| *output.name == **name);
            let result = position.and_then(|position| results.get(position));
            let result = result.ok_or_else(|| ("text", format!("no output {name}")))?;
            let number = |value: &Value<Native>| match value {
                Value::Int(value) => *value as f64,
                Value::Real(value) => *value,
                _ => f64::NAN,
            };
            let found: Vec<f64> = result.data.iter().map(number).collect();
            if found != *expected {
                return Err(("numbers", format!("{name} is {found:?}, not {expected:?}")));
            }
        }
        Ok(())
    }

    /// Two stages mean the same, also on the data of the witness.
    fn same_stage<A: meaning::Program, B: meaning::Program>(&self, a: &A, b: &B) -> Outcome {
        let attempts = self.sizes.clone().map_or_else(|| small_bindings(a), |sizes| vec![sizes]);
        for bindings in attempts.iter().take(4) {
            for seed in 0..3 {
                same(a, b, question(bindings, seed)).map_err(|what| ("stages", format!("{what}\n{b}")))?;
            }
        }
        if self.data.is_empty() {
            return Ok(());
        }
        let inputs = self.inputs(a)?;
        let results = (a.eval(&inputs, &self.bindings(a)), b.eval(&inputs, &self.bindings(b)));
        let (Ok(before), Ok(after)) = &results else {
            return Err(("data", format!("{results:?}")));
        };
        // As text every NaN is the same, and -0 is not 0.
        let same = format!("{before:?}") == format!("{after:?}");
        if same { Ok(()) } else { Err(("data", format!("{before:?} but {after:?}"))) }
    }

    /// The backend computes what the loops mean.
    fn run_backend(&self, func: &Func) -> Outcome {
        let Some(backend) = self.backend else { return Ok(()) };
        let inputs = self.inputs(func)?;
        let results = func.eval(&inputs, &self.bindings(func)).map_err(|e| ("text", e.to_string()))?;
        let kernel = (backend.load)(func).map_err(|error| ("backends", error.to_string()))?;
        let bindings = self.bindings(func);
        let sizes: Vec<i64> =
            func.symbols.iter().map(|s| bindings.get(&s.name).copied().unwrap_or(0)).collect();
        let arrays: Vec<Array> = inputs.iter().filter_map(|input| input.to_array().ok()).collect();
        let mut outputs = kernel.allocate_outputs(&sizes).map_err(|error| ("text", error.to_string()))?;
        let ran = kernel.run_arrays(&arrays.iter().collect::<Vec<_>>(), &mut outputs, &sizes);
        ran.map_err(|error| ("backends", error.to_string()))?;
        for (result, output) in results.iter().zip(&outputs) {
            let found = Tensor::<Native>::from_array(output);
            if format!("{:?}", result.data) != format!("{:?}", found.data) {
                let what = format!("{:?} by {}, not {:?}", found.data, backend.name, result.data);
                return Err(("backends", what));
            }
        }
        Ok(())
    }
}

/// The variable selects a bug of a process of its own: none, one, or a slip that must not go unnoticed.
pub fn variable_selects() -> Result<(), String> {
    let run = |bug: &str| {
        let arguments =
            ["verify", "--color", "never", "--pipeline", "canonicalize | expand_math, reuse_buffers"];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tcc"));
        command.args(arguments).args(["-e", "y[i] = 1 - a[i]"]).env("TCC_CACHE", "off").env("TCC_BUG", bug);
        let output = command.output().map_err(|error| error.to_string())?;
        Ok::<_, String>((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    for (bug, code) in [("", Some(0)), ("0", Some(0)), ("19", Some(0)), ("20", Some(3))] {
        let found = run(bug)?;
        if found.0 != code {
            return Err(format!("TCC_BUG={bug}: exit {:?}, not {code:?}: {}", found.0, found.1));
        }
    }
    for slip in ["19,20", "41", "-1", "twenty"] {
        let (code, message) = run(slip)?;
        if code == Some(0) || !message.contains("TCC_BUG is the number of one bug") {
            return Err(format!("TCC_BUG={slip}: exit {code:?}: {message}"));
        }
    }
    Ok(())
}

fn question(bindings: &Bindings, seed: u64) -> Question<'_> {
    Question { bindings, seed, reals: (-2.0, 2.0), floats_only: false }
}

fn broken(error: PipelineError) -> (&'static str, String) {
    match error {
        PipelineError::Broken { .. } => ("verifier", error.to_string()),
        PipelineError::Text { .. } | PipelineError::Lower(_) => ("text", error.to_string()),
    }
}

fn numbers<T: std::str::FromStr>(text: &str) -> Result<Vec<T>, String> {
    text.split_whitespace().map(|word| word.parse().map_err(|_| format!("not a number: {word}"))).collect()
}

/// The elements 0, 1, .. of a file in column-major order are read into their places.
fn read_fortran(shape: &[usize]) -> Outcome {
    use tcc::operand::npy::{Element, Header, to_array};
    let element = Element::Dtype(Dtype::I64);
    let header = Header { element, shape: shape.to_vec(), fortran_order: true, big_endian: false };
    let count: usize = shape.iter().product();
    let bytes = (0..count as i64).flat_map(i64::to_le_bytes).collect();
    let array = to_array(&header, bytes).ok_or(("refused", "the array".to_owned()))?;
    let mut expected = vec![0i64; count];
    for (place, element) in expected.iter_mut().enumerate() {
        let (mut rest, mut stride) = (place, count);
        for &extent in shape.iter().rev() {
            stride /= extent;
            *element += (rest % extent * stride) as i64;
            rest /= extent;
        }
    }
    let found = Tensor::<Native>::from_array(&array);
    let expected: Vec<Value<Native>> = expected.into_iter().map(Value::Int).collect();
    if found.data == expected { Ok(()) } else { Err(("numbers", format!("{:?}", found.data))) }
}
