//! `tcc compile`: artefacts that run without tcc.

use super::header::Wrapper;
use super::program::{ProgramArguments, about};
use super::session::{Exit, Failure, Session};
use super::{doctor, summary};
use crate::operand::bind::Missing;
use crate::operand::size;
use crate::operand::write::Files;
use crate::specialised::within_limits;
use crate::{Error, Source};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tcc_backends::{EmitKind, Target, runtime};
use tcc_frontend::Program;
use tcc_ir::loops::Func;
use tcc_passes::{Quiet, Recipe};

/// Compile a program to an object file and a C header with a typed function
#[derive(clap::Args)]
#[command(after_help = "\
Sizes stay arguments of the function; those given as NAME=VALUE or by an operand are fixed. The function is called
tcc_NAME after the file NAME.ein.

  tcc compile attention.ein --emit obj,header,example -o build
  cc build/attention_main.c build/attention.o -lm && ./a.out")]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// What to write
    #[arg(long, value_name = "KINDS", value_delimiter = ',', default_value = "obj,header",
          value_parser = ["obj", "header", "so", "clif", "asm", "graph", "loops", "example", "recipe"])]
    emit: Vec<String>,
    /// The folder to write into; it is made if it is missing
    #[arg(short = 'o', value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// Use the instructions of this very machine, not only those of every machine since 2013
    #[arg(long)]
    native: bool,
}

/// What a kind of artefact adds to the name of the program.
fn suffix(kind: &str) -> &'static str {
    match kind {
        "obj" => ".o",
        "header" => ".h",
        "so" => ".so",
        "clif" => ".clif",
        "asm" => ".s",
        "graph" => ".graph",
        "loops" => ".loops",
        "recipe" => ".recipe",
        _ => "_main.c",
    }
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let (loaded, bound) = arguments.program.bind(session, Missing::Open)?;
    let bindings = bound.bindings;
    let mut graph = loaded.program.graph.clone();
    let func =
        loaded.compiler.lower(&graph, &bindings, &mut Quiet).map_err(|error| about(error, &loaded.source))?;
    if graph.symbols.iter().all(|symbol| bindings.contains_key(&symbol.name)) {
        within_limits(&loaded.compiler, &loaded.program, &func, &bindings)
            .map_err(|error| about(error, &loaded.source))?;
    }
    session.detail(|| loaded.compiler.passes().to_string());
    tcc_passes::graph::specialise::run(&mut graph, &loaded.compiler.context(&bindings));
    let program = Program { graph, ..loaded.program.clone() };
    let target = Target { native: arguments.native, ..Target::default() };
    let context = loaded.compiler.context(&bindings);
    let recipe = Recipe::new(loaded.compiler.passes(), &context, &target.machine());
    let job = Job {
        arguments: &arguments,
        recipe: &recipe,
        target,
        loaded: &loaded.source,
        program: &program,
        func: &func,
        stem: loaded.source.stem(),
    };
    let made = job.make(&loaded.compiler)?;
    std::fs::create_dir_all(&arguments.output).map_err(|error| {
        Failure::Environment(format!("cannot make the folder `{}`: {error}", arguments.output.display()))
    })?;
    let mut files = Files::new();
    for (path, bytes, _) in &made {
        files.add(path, |file| file.write_all(bytes))?;
    }
    files.commit()?;
    list(session, &made);
    Ok(Exit::Fine)
}

/// A file: place, contents, what to say about it.
type Made = (PathBuf, Vec<u8>, String);

struct Job<'a> {
    arguments: &'a Arguments,
    recipe: &'a Recipe,
    target: Target,
    loaded: &'a Source,
    program: &'a Program,
    func: &'a Func,
    /// The name of the files: that of the program.
    stem: String,
}

impl Job<'_> {
    fn make(&self, compiler: &crate::Compiler) -> Result<Vec<Made>, Failure> {
        let wrapper = Wrapper::new(&self.stem, self.program, self.func);
        let recipe = self.recipe.to_string();
        let target =
            Target { symbol: Some(wrapper.symbol()), recipe: Some(recipe.clone()), ..self.target.clone() };
        let emit = |kind: EmitKind| -> Result<Vec<u8>, Error> {
            Ok((compiler.target()?.emit)(self.func, kind, &target)?.as_bytes().to_vec())
        };
        let mut made: Vec<Made> = Vec::new();
        // What the example says about linking depends on the object, whether or not that is written too.
        let linked = |kind: &String| matches!(kind.as_str(), "obj" | "example");
        let object = match self.arguments.emit.iter().any(linked) {
            true => emit(EmitKind::Object)?,
            false => Vec::new(),
        };
        let calls_runtime = runtime::is_called_by(&object);
        let archive = if calls_runtime { format!(" {}", runtime::ARCHIVE_NAME) } else { String::new() };
        for kind in &self.arguments.emit {
            let name = format!("{}{}", self.stem, suffix(kind));
            let path = self.place(name);
            let (bytes, note) = match kind.as_str() {
                "obj" => (object.clone(), format!("object file, exports {}", wrapper.symbol())),
                "clif" => (emit(EmitKind::Clif)?, "Cranelift's intermediate form".into()),
                "asm" => (emit(EmitKind::Asm)?, "machine instructions".into()),
                "so" => (link(&emit(EmitKind::Object)?, &path)?, "shared library".into()),
                "graph" => (self.program.graph.to_string().into_bytes(), "graph IR".into()),
                "loops" => (self.func.to_string().into_bytes(), "loop IR".into()),
                "recipe" => {
                    (recipe.clone().into_bytes(), "how this was compiled: tcc compile --recipe".into())
                }
                "header" => (
                    wrapper.header(self.loaded, self.recipe).into_bytes(),
                    format!("C header, function {}", wrapper.function()),
                ),
                _ => (
                    wrapper.example(&archive)?.into_bytes(),
                    format!("cc {0}_main.c {0}.o{archive} -lm && ./a.out", self.stem),
                ),
            };
            made.push((path, bytes, note));
        }
        if calls_runtime {
            let note = "kernels that the object calls: link it too".into();
            made.push((self.place(runtime::ARCHIVE_NAME.into()), runtime::ARCHIVE.to_vec(), note));
        }
        Ok(made)
    }

    /// The path of a file called `name`.
    fn place(&self, name: String) -> PathBuf {
        let here = self.arguments.output == Path::new(".");
        if here { name.into() } else { self.arguments.output.join(name) }
    }
}

/// Links an object file into a shared library with the C compiler of this machine.
fn link(object: &[u8], path: &Path) -> Result<Vec<u8>, Failure> {
    let compiler = doctor::c_compiler().ok_or_else(|| {
        Failure::Environment(
            "a shared library needs a C compiler to link it; hint: Debian: apt-get install gcc".into(),
        )
    })?;
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Environment(format!("cannot link `{}`: {error}", path.display()))
    };
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let (from, to) = (folder.path().join("kernel.o"), folder.path().join("kernel.so"));
    std::fs::write(&from, object).map_err(|error| failed(&error))?;
    let mut command = Command::new(compiler);
    command.arg("-shared").arg("-o").arg(&to).arg(&from);
    if runtime::is_called_by(object) {
        let archive = folder.path().join(runtime::ARCHIVE_NAME);
        std::fs::write(&archive, runtime::ARCHIVE).map_err(|error| failed(&error))?;
        // Only what the object exports is to be seen from outside.
        command.arg(&archive).arg("-Wl,--exclude-libs,ALL");
    }
    let output = command.output().map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    std::fs::read(&to).map_err(|error| failed(&error))
}

fn list(session: &Session, made: &[Made]) {
    if session.json() {
        let files: Vec<Value> = made
            .iter()
            .map(|(path, bytes, _)| {
                json!({ "path": path.display().to_string(), "bytes": bytes.len(), "sha256": summary::hash(bytes) })
            })
            .collect();
        session.out_json(&json!({ "schema": "tcc.compile/1", "files": files }));
        return;
    }
    let width = made.iter().map(|(path, ..)| path.display().to_string().len()).max().unwrap_or_default();
    for (path, bytes, note) in made {
        session.out(&format!(
            "{:<width$}  {:>9}  {note}\n",
            path.display().to_string(),
            size(bytes.len() as u64)
        ));
    }
}
