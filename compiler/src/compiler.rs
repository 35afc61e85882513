//! How programs are compiled: options, and the stages from text to loaded code.

use crate::cache::Cache;
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::specialised::left_for_intermediates;
use std::path::Path;
use tcc_backends::{BACKENDS, Backend};
use tcc_frontend::diagnostic::{Code, nearest};
use tcc_frontend::{Operand, Options, Program};
use tcc_ir::Bindings;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_ir::scalar::Literal;
use tcc_passes::graph::specialise;
use tcc_passes::{Contract, LEVELS, Limits, PassContext, PassObserver, Pipeline, Recipe};

/// Options of the compiler. The default: `-O2`, Cranelift, sums may be reassociated, 4 GiB, code kept in
/// this process.
#[derive(Clone, Debug)]
pub struct Compiler {
    pipeline: Pipeline,
    backend: &'static str,
    contract: Contract,
    limits: Limits,
    fuel: Option<u64>,
    memory: u64,
    double_precision: bool,
    cache: Cache,
}

/// The text of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How messages call it; also the name of the program.
    pub name: String,
    /// The text.
    pub text: String,
    /// Whether it is an expression (`-e`): `in` and `out` may be left out.
    pub expression: bool,
}

impl Source {
    /// How messages call a program that was read from standard input.
    pub const STDIN: &str = "standard input";

    /// Whether element types and shapes come from the arguments: for expressions, and for einsum
    /// strings wherever they stand.
    pub fn typed_by_arguments(&self) -> bool {
        self.expression || tcc_frontend::is_einsum(&self.text)
    }

    /// The name of the program: that of its file, without folder and extension.
    pub fn stem(&self) -> String {
        let name = match self.name.as_str() {
            _ if self.expression => "expression",
            Source::STDIN => "program",
            name => name,
        };
        let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        stem.unwrap_or_else(|| "program".into())
    }
}

/// A number by name: a size, a parameter or a 0-d operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer.
    Integer(i64),
    /// Any other number.
    Real(f64),
}

impl From<i64> for Number {
    fn from(value: i64) -> Number {
        Number::Integer(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Number {
        Number::Real(value)
    }
}

impl Number {
    /// The nearest f64.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Integer(value) => value as f64,
            Number::Real(value) => value,
        }
    }

    /// The integer, if it is one that can be written exactly: 1e3 is one.
    pub fn to_integer(self) -> Option<i64> {
        const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
        match self {
            Number::Integer(value) => Some(value),
            Number::Real(value) => (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64),
        }
    }

    fn literal(self) -> Literal {
        match self {
            Number::Integer(value) => Literal::Int(value),
            Number::Real(value) => Literal::Real(value),
        }
    }
}

impl Default for Compiler {
    fn default() -> Compiler {
        Compiler {
            pipeline: Pipeline::level("O2").unwrap_or_default(),
            backend: "cranelift",
            contract: Contract::default(),
            limits: Limits::default(),
            fuel: None,
            memory: 4 << 30,
            double_precision: false,
            cache: Cache::default(),
        }
    }
}

impl Compiler {
    /// The default options.
    pub fn new() -> Compiler {
        Compiler::default()
    }

    /// An optimisation level: `O0` to `O3`, or only the digit.
    pub fn level(self, name: &str) -> Result<Compiler> {
        let pipeline = Pipeline::level(name).ok_or_else(|| {
            let known: Vec<&str> = LEVELS.iter().map(|level| level.name).collect();
            Error::Argument(format!("no optimisation level `{name}`; there are {}", known.join(", ")))
        })?;
        Ok(Compiler { pipeline, ..self })
    }

    /// A pipeline as text: `canonicalize, cse | fuse, hoist, expand_math, reuse_buffers`.
    pub fn pipeline(self, text: &str) -> Result<Compiler> {
        Ok(Compiler { pipeline: Pipeline::parse(text)?, ..self })
    }

    /// Passes, contract, limits, memory and fuel as a recipe says.
    pub fn recipe(self, recipe: &Recipe) -> Compiler {
        let Recipe { contract, limits, fuel, .. } = *recipe;
        let memory = recipe.memory.unwrap_or(self.memory);
        Compiler { pipeline: recipe.pipeline.clone(), contract, limits, fuel, memory, ..self }
    }

    /// The backend: `cranelift` or `interp`.
    pub fn backend(self, name: &str) -> Result<Compiler> {
        let backend = find_backend(name)?;
        Ok(Compiler { backend: backend.name, ..self })
    }

    /// What rewrites may do to floating-point results.
    pub fn contract(self, contract: Contract) -> Compiler {
        Compiler { contract, ..self }
    }

    /// Most bytes that one call may take: inputs, outputs and working memory together.
    pub fn memory_limit(self, bytes: u64) -> Compiler {
        Compiler { memory: bytes, ..self }
    }

    /// Whether f16, bf16 and f32 become f64, and c64 becomes c128.
    pub fn double_precision(self, on: bool) -> Compiler {
        Compiler { double_precision: on, ..self }
    }

    /// Where compiled code is kept to be used again; by default in this process.
    pub fn cache(self, cache: Cache) -> Compiler {
        Compiler { cache, ..self }
    }

    /// Where compiled code is kept.
    pub fn cached_in(&self) -> &Cache {
        &self.cache
    }

    /// Compiles a program: the text of an `.ein` file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(&self, text: &str) -> Result<Kernel> {
        Kernel::new(self.clone(), Source { name: "program".into(), text: text.into(), expression: false })
    }

    /// Compiles an expression, as [`crate::jit`] does.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn jit(&self, text: &str) -> Result<Kernel> {
        Kernel::new(self.clone(), Source { name: "expression".into(), text: text.into(), expression: true })
    }

    /// Compiles a text with sizes and parameters fixed.
    ///
    /// # Errors
    /// Everything that is wrong with it, and names that the program does not have.
    pub fn compile_with(&self, source: Source, numbers: &[(String, Number)]) -> Result<Kernel> {
        Kernel::with_numbers(self.clone(), source, numbers.to_vec())
    }

    /// Most bytes that one call may take.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// The pipeline.
    pub fn passes(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The row of the backend.
    pub fn target(&self) -> Result<&'static Backend> {
        find_backend(self.backend)
    }

    /// Parses, checks and builds a program. The text of a graph is a program too, so that what
    /// `tcc show` prints can be run.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(
        &self,
        source: &Source,
        operands: &[Operand],
        numbers: &[(String, Number)],
    ) -> Result<Program> {
        if source.text.trim_start().starts_with("graph @") {
            let wrong = |message: String| Error::rejected(Code::UnexpectedText, message, None);
            let graph: Graph = source.text.parse().map_err(|e| wrong(format!("{}:{e}", source.name)))?;
            graph.verify().map_err(|errors| wrong(errors.to_string()))?;
            // Nothing of the text of a graph is a declaration.
            let (warnings, sizes) = (Vec::new(), Vec::new());
            return Ok(Program { graph, warnings, peak_limit: None, sizes, text: "".into() });
        }
        let options = Options {
            name: source.stem(),
            type_f64: self.double_precision,
            expression: source.expression,
            operands: operands.to_vec(),
            numbers: numbers.iter().map(|(name, number)| (name.clone(), number.literal())).collect(),
        };
        tcc_frontend::compile(&source.text, &options).map_err(Error::Rejected)
    }

    /// The context in which passes run: `bindings` fix sizes.
    pub fn context(&self, bindings: &Bindings) -> PassContext {
        let context = PassContext {
            limits: self.limits,
            memory: Some(self.memory),
            ..PassContext::new(self.contract, bindings.clone())
        };
        match self.fuel {
            Some(fuel) => context.with_fuel(fuel),
            None => context,
        }
    }

    /// The context in which passes run on a program: of the memory, what its operands leave.
    pub(crate) fn context_of(&self, graph: &Graph, bindings: &Bindings) -> PassContext {
        let memory = left_for_intermediates(self, graph, bindings);
        PassContext { memory, ..self.context(bindings) }
    }

    /// Runs the pipeline. Symbols that `bindings` has become constants first.
    ///
    /// # Errors
    /// Only ours.
    pub fn lower(&self, graph: &Graph, bindings: &Bindings, observer: &mut dyn PassObserver) -> Result<Func> {
        let context = self.context_of(graph, bindings);
        let mut graph = graph.clone();
        specialise::run(&mut graph, &context);
        Ok(self.pipeline.run(graph, &context, observer)?)
    }

    /// Makes a function runnable.
    ///
    /// # Errors
    /// The backend does not support it, or fails.
    pub fn load(&self, func: &Func) -> Result<tcc_backends::Kernel> {
        Ok((self.target()?.load)(func)?)
    }
}

/// The row of the backend called `name`.
pub(crate) fn find_backend(name: &str) -> Result<&'static Backend> {
    tcc_backends::backend(name).ok_or_else(|| {
        let names = BACKENDS.iter().map(|row| row.name);
        Error::Argument(match nearest(name, names.clone()) {
            Some(near) => format!("no backend `{name}`; did you mean `{near}`?"),
            None => {
                format!("no backend `{name}`; there are {}", names.collect::<Vec<_>>().join(", "))
            }
        })
    })
}
