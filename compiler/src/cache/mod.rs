//! Compiled code that is used again: by this process, and by later ones.
//!
//! Code is found by everything that decides it: the recipe (version, passes, pipeline, contract, limits,
//! machine, sizes), the backend, the executable that compiles, and the graph, as one text. In this process
//! that is a table of loaded kernels; between processes a [`folder`] that belongs to one user.

pub mod folder;
mod process;

use crate::compiler::Compiler;
use crate::error::Result;
use crate::specialised::within_limits;
use folder::Folder;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::OnceLock;
use tcc_backends::{Images, Kernel};
use tcc_frontend::Program;
use tcc_ir::Bindings;
use tcc_passes::{Quiet, Recipe};

/// Where compiled code is kept to be used again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cache {
    /// Nowhere.
    Off,
    /// In this process: the same program with the same options and sizes is compiled once.
    #[default]
    Process,
    /// Also in a folder, for later processes. It is code: the folder is made for its owner alone, and not
    /// used if others can write to it.
    Folder(PathBuf),
}

/// Where code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOrigin {
    /// It was compiled now.
    Compiled,
    /// This process had compiled it before.
    Process,
    /// Another process left it in the folder.
    Folder,
}

impl CodeOrigin {
    /// All with their names in reports.
    const TABLE: &'static [(CodeOrigin, &'static str)] = &[
        (CodeOrigin::Compiled, "compiled"),
        (CodeOrigin::Process, "process"),
        (CodeOrigin::Folder, "folder"),
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }
}

/// A kernel, and where its code comes from.
pub(crate) struct Found {
    pub kernel: Kernel,
    pub origin: CodeOrigin,
    /// Why the folder was not used, or not written to.
    pub notes: Vec<String>,
}

/// What code is found by.
pub struct Key {
    text: String,
    hash: [u8; 32],
}

impl Key {
    /// The key of a program with these sizes; `None` if its backend keeps no code.
    ///
    /// # Errors
    /// The backend does not work on this machine.
    pub fn new(compiler: &Compiler, program: &Program, bindings: &Bindings) -> Result<Option<Key>> {
        let backend = compiler.target()?;
        let Some(images) = backend.images else { return Ok(None) };
        let recipe = Recipe::new(compiler.passes(), &compiler.context(bindings), &(images.target)()?);
        let text = format!("{recipe}backend = {}\nbuild = {}\n{}", backend.name, build(), program.graph);
        #[cfg(tcc_fuzz_bugs)]
        let text = format!("bug = {}\n{text}", tcc_ir::planted::selected_bug());
        Ok(Some(Key::of(text)))
    }

    fn of(text: String) -> Key {
        Key { hash: Sha256::digest(&text).into(), text }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The hash in hexadecimal digits.
    pub fn name(&self) -> String {
        self.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Which build of tcc this is: the version alone is the same while tcc is being changed.
fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let file = std::env::current_exe().and_then(std::fs::metadata);
        let since =
            |file: &std::fs::Metadata| file.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok();
        match file {
            Ok(file) => format!("{} {}", file.len(), since(&file).unwrap_or_default().as_nanos()),
            Err(_) => "unknown".into(),
        }
    })
}

/// The code of a program: from the cache of the compiler, or compiled and left there.
///
/// # Errors
/// The program cannot be compiled.
pub(crate) fn find(compiler: &Compiler, program: &Program, bindings: &Bindings) -> Result<Found> {
    let key = match compiler.cached_in() {
        Cache::Off => None,
        Cache::Process | Cache::Folder(_) => Key::new(compiler, program, bindings)?,
    };
    let (Some(key), Some(images)) = (key, compiler.target()?.images) else {
        let func = compiler.lower(&program.graph, bindings, &mut Quiet)?;
        within_limits(compiler, program, &func, bindings)?;
        let kernel = compiler.load(&func)?;
        return Ok(Found { kernel, origin: CodeOrigin::Compiled, notes: Vec::new() });
    };
    if let Some(kernel) = process::find(&key.hash) {
        return Ok(Found { kernel, origin: CodeOrigin::Process, notes: Vec::new() });
    }
    let mut notes = Vec::new();
    let folder = match compiler.cached_in() {
        Cache::Folder(path) => Folder::open(path).map_err(|why| notes.push(why)).ok(),
        Cache::Off | Cache::Process => None,
    };
    if let Some(kernel) = folder.as_ref().and_then(|folder| load(folder, &key, images, &mut notes)) {
        return Ok(Found { kernel, origin: CodeOrigin::Folder, notes });
    }
    let func = compiler.lower(&program.graph, bindings, &mut Quiet)?;
    within_limits(compiler, program, &func, bindings)?;
    let image = (images.compile)(&func)?;
    let kernel = (images.load)(&image)?;
    process::keep(key.hash, &kernel, image.size());
    if let Some(Err(why)) = folder.map(|folder| folder.store(&key, &image)) {
        notes.push(why);
    }
    Ok(Found { kernel, origin: CodeOrigin::Compiled, notes })
}

/// The kernel that a folder has for a key.
fn load(folder: &Folder, key: &Key, images: &Images, notes: &mut Vec<String>) -> Option<Kernel> {
    let image = folder.load(key).map_err(|why| notes.push(why)).ok()??;
    match (images.load)(&image) {
        Ok(kernel) => {
            process::keep(key.hash, &kernel, image.size());
            Some(kernel)
        }
        Err(error) => {
            notes.push(format!("code from the cache is not used: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_origins_are_indexed_by_the_enum() {
        for (index, (origin, _)) in CodeOrigin::TABLE.iter().enumerate() {
            assert_eq!(*origin as usize, index);
        }
    }

    #[test]
    fn keys_differ_where_code_may() {
        let key = |compiler: &Compiler, text: &str, n: i64| {
            let source = crate::Source { name: "f".into(), text: text.into(), expression: false };
            let program = compiler.check(&source, &[], &[]).expect("a program");
            let bindings = [("n".into(), n)].into();
            Key::new(compiler, &program, &bindings).expect("a target").expect("a key").hash
        };
        let (text, other) = (
            "in x : f32[n]\nout y : f32[n]\ny[i] = x[i] + 1\n",
            "in x : f32[n]\nout y : f32[n]\ny[i] = x[i] + 2\n",
        );
        let plain = Compiler::new();
        let first = key(&plain, text, 8);
        // Passes are told how much memory there is.
        assert_ne!(first, key(&plain.clone().memory_limit(1 << 20), text, 8));
        assert_ne!(first, key(&plain, other, 8));
        assert_ne!(first, key(&plain, text, 9));
        assert_ne!(first, key(&plain.clone().level("O1").expect("a level"), text, 8));
        assert_ne!(first, key(&plain.clone().contract(crate::Contract::Strict), text, 8));
        assert_ne!(first, key(&plain.double_precision(true), text, 8));
    }
}
