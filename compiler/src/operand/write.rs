//! Writing results: all files or none, each whole or not at all.

use super::{Built, npy, npz};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::Array;
use tempfile::NamedTempFile;

/// Files that are complete beside their final places, and get there together.
#[derive(Default)]
pub struct Files {
    written: Vec<(NamedTempFile, PathBuf)>,
}

impl Files {
    /// No files yet.
    pub fn new() -> Files {
        Files::default()
    }

    /// Writes a file, not yet visible at `path`.
    pub fn add(
        &mut self,
        path: &Path,
        content: impl FnOnce(&mut NamedTempFile) -> std::io::Result<()>,
    ) -> Built<()> {
        let refuse = |error: std::io::Error| unwritable(path, &error);
        let target = final_place(path);
        let before = std::fs::metadata(&target).ok();
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            return Err(refuse(std::io::Error::other("it is no regular file")));
        }
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tcc-");
        #[cfg(unix)]
        {
            // As any program creates files: temporary ones would be private.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder).map_err(refuse)?;
        content(&mut file).and_then(|()| file.flush()).map_err(refuse)?;
        if let Some(before) = before {
            // Who may read the file does not change because its contents do.
            file.as_file().set_permissions(before.permissions()).map_err(refuse)?;
        }
        self.written.push((file, target));
        Ok(())
    }

    /// Adds a `.npy` file.
    pub fn add_npy(&mut self, path: &Path, array: &Array) -> Built<()> {
        self.add(path, |file| {
            let mut writer = BufWriter::new(file);
            npy::write(&mut writer, array)?;
            writer.flush()
        })
    }

    /// Adds a `.npz` file.
    pub fn add_npz(&mut self, path: &Path, arrays: &[(&str, &Array)]) -> Built<()> {
        self.add(path, |file| npz::write(file, arrays))
    }

    /// Moves all files to their places. If one cannot be moved, those moved before are removed again.
    pub fn commit(self) -> Built<Vec<PathBuf>> {
        let mut done: Vec<PathBuf> = Vec::new();
        for (file, path) in self.written {
            if let Err(error) = file.persist(&path) {
                for path in &done {
                    // Best effort: the error below is what matters.
                    let _ = std::fs::remove_file(path);
                }
                return Err(unwritable(&path, &error.error));
            }
            done.push(path);
        }
        Ok(done)
    }
}

/// The file that is written when somebody writes to `path`: the end of the links there.
pub fn final_place(path: &Path) -> PathBuf {
    // As many links as systems follow.
    const LINKS: usize = 40;
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = std::fs::read_link(&place) else { break };
        place = place.parent().unwrap_or(Path::new("")).join(target);
    }
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), place.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => place,
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such folder".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    let message = format!("cannot write `{}`: {why}", path.display());
    Box::new(Diagnostic::new(Code::FileUnwritable, message).help("nothing was written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tcc_ir::Dtype;

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        symlink("a", &link).unwrap();
        let mut files = Files::new();
        files.add(&link, |out| out.write_all(b"new")).unwrap();
        files.commit().unwrap();
        assert!(link.is_symlink() && !file.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        symlink("missing", folder.path().join("dangling")).unwrap();
        assert_eq!(final_place(&folder.path().join("dangling")).file_name().unwrap(), "missing");
        symlink("/dev/null", folder.path().join("device")).unwrap();
        assert!(Files::new().add(&folder.path().join("device"), |_| Ok(())).is_err());
    }

    #[test]
    fn nothing_is_written_unless_everything_is() {
        let folder = tempfile::tempdir().unwrap();
        let array = Array::zeros(Dtype::F32, &[2]).unwrap();
        let mut files = Files::new();
        files.add_npy(&folder.path().join("a.npy"), &array).unwrap();
        assert!(files.add_npy(&folder.path().join("missing/b.npy"), &array).is_err());
        drop(files);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

        let mut files = Files::new();
        let pack = folder.path().join("p.npz");
        files.add_npz(&pack, &[("x", &array), ("y", &array)]).unwrap();
        files.commit().unwrap();
        let mut read = npz::Pack::open(&pack).unwrap();
        assert_eq!(read.members(), ["x", "y"]);
        assert_eq!(read.read("y", &super::super::Limits::default()).unwrap(), array);
        assert!(read.read("z", &super::super::Limits::default()).is_err());
    }
}
