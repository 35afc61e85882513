//! Backends: what turns a loop-level [`Func`] into something that runs, or into a file.
//!
//! A backend is a row of [`BACKENDS`]. `emit` gives text or object code; `load` gives a [`Kernel`],
//! the only way into generated code: it checks every argument before the one unsafe call. All
//! backends compute the same bytes from the same `Func` (NaN payloads aside).
//!
//! Every backend's code has one C ABI:
//! `int32_t f(uint8_t *const *buffers, const int64_t *sizes, uint8_t *arena)`, where `buffers` are the
//! inputs and then the outputs in order of declaration, `sizes` one value per symbol, and the
//! result 0 or the number of the failed check plus one.

pub mod cranelift;
mod image;
pub mod interp;
mod kernel;
pub mod runtime;
mod signature;
mod tables;

pub use image::{BrokenImage, Image, Import};
pub use kernel::{CallError, Kernel};
pub use signature::{Parameter, Signature, with_places};

use tcc_ir::loops::Func;
use thiserror::Error;

/// One backend, described as data.
#[derive(Clone, Copy)]
pub struct Backend {
    /// The name users type.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The kinds of artifact that `emit` can make.
    pub kinds: &'static [EmitKind],
    /// Makes an artifact.
    pub emit: fn(&Func, EmitKind, &Target) -> Result<Artifact, BackendError>,
    /// Makes a kernel that runs in this process.
    pub load: fn(&Func) -> Result<Kernel, BackendError>,
    /// How its code is kept beyond the process; `None`: it has none that would be worth it.
    pub images: Option<&'static Images>,
}

/// How a backend's code is kept and loaded again.
pub struct Images {
    /// What images depend on beside the program: who makes them, and for which machine. Where the text
    /// is the same, one process may load the images of another.
    pub target: fn() -> Result<String, BackendError>,
    /// Compiles a program.
    pub compile: fn(&Func) -> Result<Image, BackendError>,
    /// Makes an image runnable in this process.
    pub load: fn(&Image) -> Result<Kernel, BackendError>,
    /// How many programs this process has compiled.
    pub compiled: fn() -> u64,
}

/// All backends.
pub static BACKENDS: &[Backend] = &[
    Backend {
        name: "interp",
        about: "the loop interpreter: slow, checks every access",
        kinds: &[],
        emit: interp::emit,
        load: interp::load,
        images: None,
    },
    Backend {
        name: "cranelift",
        about: "machine code for this machine by Cranelift",
        kinds: &[EmitKind::Clif, EmitKind::Object, EmitKind::Asm],
        emit: cranelift::emit,
        load: cranelift::load,
        images: Some(&Images {
            target: cranelift::target,
            compile: cranelift::make_image,
            load: cranelift::load_image,
            compiled: cranelift::generations,
        }),
    },
];

/// The backend called `name`.
pub fn backend(name: &str) -> Option<&'static Backend> {
    BACKENDS.iter().find(|backend| backend.name == name)
}

/// What `emit` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmitKind {
    /// Cranelift's intermediate form, as text.
    Clif,
    /// A relocatable, position-independent object file.
    Object,
    /// Machine instructions, as text.
    Asm,
}

impl EmitKind {
    /// All kinds with the names users type.
    pub const TABLE: &'static [(EmitKind, &'static str)] =
        &[(EmitKind::Clif, "clif"), (EmitKind::Object, "object"), (EmitKind::Asm, "asm")];

    /// The name users type.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// The kind called `name`.
    pub fn from_name(name: &str) -> Option<EmitKind> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }
}

/// What an artifact is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name of the exported function; `None`: the name of the `Func`, with every character that
    /// C does not allow in a name replaced by `_`.
    pub symbol: Option<String>,
    /// Whether the instructions may be those of this very machine. Otherwise any machine of the
    /// architecture that has FMA, SSE4.2 and POPCNT (every x86-64 since 2013) will do.
    pub native: bool,
    /// A text that object files carry in their section [`RECIPE_SECTION`]: how they were made.
    pub recipe: Option<String>,
}

/// The section of an object file in which its recipe stands.
pub const RECIPE_SECTION: &str = ".tcc.recipe";

impl Default for Target {
    fn default() -> Target {
        Target { symbol: None, native: true, recipe: None }
    }
}

impl Target {
    /// The machines that can run the code, as recipes name them.
    pub fn machine(&self) -> String {
        format!("{} {}", std::env::consts::ARCH, if self.native { "native" } else { "baseline" })
    }

    /// The name of the exported function of `func`.
    pub fn symbol(&self, func: &Func) -> String {
        let name = self.symbol.as_deref().unwrap_or(&func.name);
        let mut symbol: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
        if symbol.is_empty() || symbol.starts_with(|c: char| c.is_ascii_digit()) {
            symbol.insert_str(0, "k_");
        }
        symbol
    }
}

/// What `emit` made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Artifact {
    /// Text for people.
    Text(String),
    /// The contents of a file.
    Bytes(Vec<u8>),
}

impl Artifact {
    /// The contents as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Artifact::Text(text) => text.as_bytes(),
            Artifact::Bytes(bytes) => bytes,
        }
    }
}

/// Why a backend could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BackendError {
    /// The backend has no such artifact, operation or type; the text says which.
    #[error("{backend}: {what} is not supported")]
    Unsupported {
        /// The name of the backend.
        backend: &'static str,
        /// What it does not support.
        what: String,
    },
    /// The code generator failed: a bug of the compiler.
    #[error("{backend}: {message}")]
    Codegen {
        /// The name of the backend.
        backend: &'static str,
        /// What it said.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_indexed_by_their_enums() {
        for (index, (kind, name)) in EmitKind::TABLE.iter().enumerate() {
            assert_eq!(*kind as usize, index);
            assert_eq!(EmitKind::from_name(name), Some(*kind));
        }
        let mut names: Vec<&str> = BACKENDS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BACKENDS.len(), "two backends have one name");
    }

    #[test]
    fn exported_names_are_c_names() {
        let func = Func { name: "2-layer net".into(), ..Func::default() };
        assert_eq!(Target::default().symbol(&func), "k_2_layer_net");
        assert_eq!(Target { symbol: Some("f".into()), ..Target::default() }.symbol(&func), "f");
    }
}
