//! Arguments that name a program and its operands, shared by the commands that take one.

use super::session::{Failure, Session};
use crate::operand::bind::{Binder, Bound, Missing, Wanted};
use crate::operand::words::Words;
use crate::operand::{Limits, parse_size, shown, size};
use crate::specialised::operands_fit;
use crate::{Cache, Compiler, Contract, Error, Recipe, Source};
use clap::Args;
use std::io::Read;
use std::path::{Path, PathBuf};
use tcc_frontend::Program;
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::Bindings;

/// Longest source text that is read, in bytes.
const SOURCE_LIMIT: u64 = 32 << 20;

/// The program and its operands.
#[derive(Args)]
pub struct ProgramArguments {
    /// The program (`-`: standard input), then operands: NAME=FILE.npy, NAME=PACK.npz:MEMBER,
    /// NAME=FILE.safetensors:TENSOR, NAME=rand:8x64 (rand(7): ones: zeros: eye: arange:), NAME=-,
    /// NAME=VALUE for sizes and parameters, or PACK.npz for everything in it
    #[arg(value_name = "FILE | NAME=SOURCE")]
    words: Vec<String>,
    /// The program itself, instead of a file: equations separated by `;`, or an einsum string
    #[arg(short = 'e', long = "expr", value_name = "EXPR")]
    expression: Option<String>,
    #[command(flatten)]
    options: CompilerArguments,
}

/// How to compile.
#[derive(Args)]
pub struct CompilerArguments {
    /// Optimisation level, 0 to 3
    #[arg(short = 'O', value_name = "LEVEL", default_value = "2", help_heading = "Compilation")]
    level: String,
    /// Passes to run instead: `canonicalize, cse | fuse, hoist, expand_math, reuse_buffers`
    #[arg(long, value_name = "PASSES", conflicts_with = "level", help_heading = "Compilation")]
    pipeline: Option<String>,
    /// Compile as an earlier artefact was: its recipe, from `tcc compile --emit recipe`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["level", "pipeline", "fp"], help_heading = "Compilation")]
    recipe: Option<PathBuf>,
    /// What runs the code
    #[arg(long, default_value = "cranelift", value_name = "NAME", help_heading = "Compilation")]
    backend: String,
    /// `f32`: the declared types, and f32 where none is declared; `f64`: f16, bf16 and f32 become f64, c64
    /// becomes c128
    #[arg(long = "type", value_name = "DTYPE", value_parser = ["f32", "f64"], default_value = "f32",
          help_heading = "Compilation")]
    dtype: String,
    /// What rewrites may do to floating-point results
    #[arg(long, value_name = "CONTRACT", value_parser = ["strict", "reassoc", "fast"], default_value = "reassoc",
          help_heading = "Compilation")]
    fp: String,
    /// Most memory that operands, results and working memory may take, such as 512MiB
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = parse_size, help_heading = "Compilation")]
    memory: u64,
    /// Neither use nor keep compiled code of other runs (as TCC_CACHE=off does)
    #[arg(long, help_heading = "Compilation")]
    no_cache: bool,
}

impl CompilerArguments {
    /// The options as the library takes them.
    pub fn compiler(&self) -> Result<Compiler, Failure> {
        let mut compiler = Compiler::new().level(&self.level)?;
        if let Some(text) = &self.pipeline {
            compiler = compiler.pipeline(text)?;
        }
        compiler = compiler.contract(Contract::from_name(&self.fp).unwrap_or_default());
        if let Some(recipe) = self.recipe()? {
            compiler = compiler.recipe(&recipe);
        }
        let cache = match super::cache::folder() {
            Some(folder) if !self.no_cache => Cache::Folder(folder),
            _ => Cache::Off,
        };
        let compiler = compiler.backend(&self.backend)?.memory_limit(self.memory).cache(cache);
        Ok(compiler.double_precision(self.dtype == "f64"))
    }

    /// The recipe to compile by.
    fn recipe(&self) -> Result<Option<Recipe>, Failure> {
        let Some(path) = &self.recipe else { return Ok(None) };
        let name = shown(path);
        let mut text = String::new();
        crate::operand::open(path)?
            .take(SOURCE_LIMIT)
            .read_to_string(&mut text)
            .map_err(|error| unreadable(&name, &error.to_string()))?;
        let recipe: Result<Recipe, _> = text.parse();
        recipe.map(Some).map_err(|error| {
            let message = format!("`{name}` is no recipe: {error}");
            let help = "a recipe is what `tcc compile --emit recipe` writes";
            Box::new(Diagnostic::new(Code::FileMalformed, message).help(help)).into()
        })
    }

    /// The name of the backend.
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// Bounds on what is read.
    pub fn limits(&self) -> Limits {
        Limits { memory: self.memory }
    }
}

/// A program that was read and checked.
pub struct Loaded {
    /// The text.
    pub source: Source,
    /// The options.
    pub compiler: Compiler,
    /// The result of the frontend.
    pub program: Program,
}

impl ProgramArguments {
    /// How to compile.
    pub fn options(&self) -> &CompilerArguments {
        &self.options
    }

    /// The text of the program, and the words that name operands.
    pub fn source(&self) -> Result<(Source, &[String]), Failure> {
        if let Some(text) = &self.expression {
            let source = Source { name: "-e".into(), text: text.clone(), expression: true };
            return Ok((source, &self.words));
        }
        match self.words.split_first() {
            Some((file, rest)) if !(file.contains('=') || file.ends_with(".npz")) => {
                Ok((read_source(file)?, rest))
            }
            Some((word, _)) => Err(Failure::Usage(format!(
                "the first argument is the program: `{word}` is an operand (or write -e 'EXPR')"
            ))),
            None => Err(Failure::Usage("no program given: name a .ein file, or write -e 'EXPR'".into())),
        }
    }

    /// The only argument, if there is one and no `-e`.
    pub fn only_word(&self) -> Option<&str> {
        match self.words.as_slice() {
            [word] if self.expression.is_none() => Some(word),
            _ => None,
        }
    }

    /// Reads and checks the program and finds its operands.
    pub fn bind(&self, session: &Session, missing: Missing) -> Result<(Loaded, Bound), Failure> {
        let (source, words) = self.source()?;
        let mut words = Words::parse(words)?;
        if let Some(recipe) = self.options.recipe()? {
            for difference in recipe.differences() {
                session.note(&format!("the recipe may not make the same code again: {difference}"));
            }
            words.sizes(&recipe.sizes);
        }
        let mut binder = Binder::new(&words, self.options.limits())?;
        let loaded = self.load(session, source, &words, &mut binder)?;
        let fits = |bindings: &Bindings| operands_fit(&loaded.compiler, &loaded.program, bindings);
        let (graph, text) = (&loaded.program.graph, &loaded.source.text);
        let bound = binder.bind(&Wanted { graph, text, missing, fits: &fits });
        let bound = bound.map_err(|error| about(error, &loaded.source))?;
        for note in &bound.notes {
            session.note(note);
        }
        Ok((loaded, bound))
    }

    fn load(
        &self,
        session: &Session,
        source: Source,
        words: &Words,
        binder: &mut Binder<'_>,
    ) -> Result<Loaded, Failure> {
        let compiler = self.options.compiler()?;
        let operands = if source.typed_by_arguments() { binder.types()? } else { Vec::new() };
        let program = compiler.check(&source, &operands, &words.numbers()).map_err(|e| about(e, &source))?;
        session.warn(&program.warnings, &source);
        Ok(Loaded { source, compiler, program })
    }
}

/// An error together with the text it is about.
pub fn about(error: Error, source: &Source) -> Failure {
    match Failure::from(error) {
        Failure::Error(error, _) => Failure::Error(error, Some(source.clone())),
        failure => failure,
    }
}

/// Reads a source file; `-` is standard input.
pub fn read_source(file: &str) -> Result<Source, Failure> {
    let mut bytes = Vec::new();
    if file == "-" {
        let read = std::io::stdin().lock().take(SOURCE_LIMIT + 1).read_to_end(&mut bytes);
        read.map_err(|error| unreadable("standard input", &error.to_string()))?;
    } else {
        let opened = crate::operand::open(Path::new(file))?;
        let read = opened.take(SOURCE_LIMIT + 1).read_to_end(&mut bytes);
        read.map_err(|error| unreadable(file, &error.to_string()))?;
    }
    if bytes.len() as u64 > SOURCE_LIMIT {
        let message = format!("`{file}` is longer than {}, the most that is read", size(SOURCE_LIMIT));
        let diagnostic = Diagnostic::new(Code::MemoryLimit, message).help("split the program");
        return Err(Error::from(diagnostic).into());
    }
    let name = if file == "-" { Source::STDIN } else { file };
    match tcc_frontend::decode(&bytes) {
        Ok(text) => Ok(Source { name: name.into(), text: text.into(), expression: false }),
        Err(diagnostic) => {
            let source = Source { name: name.into(), text: String::new(), expression: false };
            let diagnostic = Diagnostic { labels: Vec::new(), ..diagnostic };
            Err(Failure::Error(Error::Rejected(vec![diagnostic]), Some(source)))
        }
    }
}

fn unreadable(file: &str, why: &str) -> Failure {
    Box::new(Diagnostic::new(Code::FileUnreadable, format!("cannot read `{file}`: {why}"))).into()
}
