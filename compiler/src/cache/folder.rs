//! A folder of compiled code that belongs to one user.
//!
//! What lies in it is executed. So nobody else may be able to write to it: it is made with access for
//! its owner alone, and refused if it is a link, belongs to somebody else, or others can write to it; the
//! same holds of each file. An entry is a hash, the key and the image; whatever does not have the hash that
//! it says, or another key, is ignored and written anew. Files appear complete, by renaming, so that
//! processes do not disturb each other; the longest unused make room for new ones.

use super::Key;
use sha2::{Digest, Sha256};
use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tcc_backends::Image;

/// What entries begin with; the number changes with their layout.
const MAGIC: &[u8] = b"tcc-cache 1\n";

/// How the names of entries end.
const EXTENSION: &str = "code";

/// Largest entry in bytes.
const LARGEST: u64 = 64 << 20;

/// Most bytes of all entries.
pub const MOST_BYTES: u64 = 256 << 20;

/// Most entries.
pub const MOST_ENTRIES: usize = 4096;

/// A folder that may be used.
pub struct Folder {
    path: PathBuf,
    most: (usize, u64),
}

/// A file of the folder.
pub struct Entry {
    /// Its place.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    used: SystemTime,
}

impl Folder {
    /// Opens a folder; makes it if it is missing.
    ///
    /// # Errors
    /// Why it is not used, as a sentence.
    pub fn open(path: &Path) -> Result<Folder, String> {
        let refuse = |why: &str| format!("the cache `{}` is not used: {why}", path.display());
        if std::fs::symlink_metadata(path).is_err() {
            make(path).map_err(|error| refuse(&error.to_string()))?;
        }
        let found = std::fs::symlink_metadata(path).map_err(|error| refuse(&error.to_string()))?;
        if !found.is_dir() {
            return Err(refuse("it is no folder"));
        }
        owned(&found).map_err(refuse)?;
        Ok(Folder { path: path.to_owned(), most: (MOST_ENTRIES, MOST_BYTES) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn place(&self, key: &Key) -> PathBuf {
        self.path.join(key.name()).with_extension(EXTENSION)
    }

    /// The code for a key; `None` if there is none.
    ///
    /// # Errors
    /// Why what is there is not used, as a sentence.
    pub fn load(&self, key: &Key) -> Result<Option<Image>, String> {
        let path = self.place(key);
        let Some(file) = open(&path)? else { return Ok(None) };
        let (text, image) = read(&path, &file)?;
        if text != key.text() {
            return Err(ignored(&path, "it is of another program"));
        }
        // Which entries are in use is only a hint for making room.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(image))
    }

    /// Keeps code.
    ///
    /// # Errors
    /// Why it cannot be kept, as a sentence.
    pub fn store(&self, key: &Key, image: &Image) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("code is not kept in the cache `{}`: {error}", self.path.display())
        };
        let bytes = entry_bytes(key.text(), image);
        if bytes.len() as u64 > LARGEST {
            return Err(failed(&"it is too large"));
        }
        let mut builder = tempfile::Builder::new();
        // Temporary files are their owner's alone.
        let mut file = builder.prefix(".tcc-").tempfile_in(&self.path).map_err(|error| failed(&error))?;
        file.write_all(&bytes).and_then(|()| file.flush()).map_err(|error| failed(&error))?;
        file.persist(self.place(key)).map_err(|error| failed(&error.error))?;
        self.make_room();
        Ok(())
    }

    /// The entries, the longest unused first.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self
            .files()
            .filter(|(path, _)| path.extension().is_some_and(|extension| extension == EXTENSION))
            .map(|(path, file)| Entry { path, bytes: file.len(), used: modified(&file) })
            .collect();
        entries.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        entries
    }

    fn files(&self) -> impl Iterator<Item = (PathBuf, Metadata)> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
            .filter(|(_, file)| file.is_file())
    }

    /// Removes the longest unused entries until the rest is within the limits, and what processes that
    /// were killed have left.
    fn make_room(&self) {
        const ABANDONED: std::time::Duration = std::time::Duration::from_secs(3600);
        let entries = self.entries();
        let (mut count, mut bytes) = (entries.len(), entries.iter().map(|entry| entry.bytes).sum::<u64>());
        for entry in &entries {
            if count <= self.most.0 && bytes <= self.most.1 {
                break;
            }
            // Another process may have been faster.
            let _ = std::fs::remove_file(&entry.path);
            count -= 1;
            bytes -= entry.bytes;
        }
        for (path, file) in self.files() {
            let ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".tcc-"));
            if ours && modified(&file).elapsed().is_ok_and(|age| age > ABANDONED) {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// Removes every entry; gives their number.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn clear(&self) -> std::io::Result<usize> {
        let entries = self.entries();
        for entry in &entries {
            match std::fs::remove_file(&entry.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(entries.len())
    }
}

impl Entry {
    /// The key and the code.
    ///
    /// # Errors
    /// Why it is not used, as a sentence.
    pub fn read(&self) -> Result<(String, Image), String> {
        let file = open(&self.path)?.ok_or_else(|| ignored(&self.path, "it is gone"))?;
        let (text, image) = read(&self.path, &file)?;
        let name = self.path.file_stem().map(|name| name.to_string_lossy().into_owned());
        match name {
            Some(name) if name == Key::of(text.clone()).name() => Ok((text, image)),
            _ => Err(ignored(&self.path, "it is of another program")),
        }
    }
}

fn modified(file: &Metadata) -> SystemTime {
    file.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

fn ignored(path: &Path, why: &str) -> String {
    format!("the cache entry `{}` is ignored: {why}", path.display())
}

/// Opens an entry that only its owner can have written.
fn open(path: &Path) -> Result<Option<File>, String> {
    let mut options = File::options();
    options.read(true).write(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Neither follow a link nor wait for a pipe.
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ignored(path, &error.to_string())),
    };
    let found = file.metadata().map_err(|error| ignored(path, &error.to_string()))?;
    if !found.is_file() {
        return Err(ignored(path, "it is no file"));
    }
    if found.len() > LARGEST {
        return Err(ignored(path, "it is too large"));
    }
    owned(&found).map_err(|why| ignored(path, why))?;
    Ok(Some(file))
}

/// The key and the code of an entry.
fn read(path: &Path, file: &File) -> Result<(String, Image), String> {
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| ignored(path, &error.to_string()))?;
    read_entry(&bytes).ok_or_else(|| ignored(path, "it is damaged"))
}

/// The bytes of an entry: a hash, then the key and the image.
pub fn entry_bytes(text: &str, image: &Image) -> Vec<u8> {
    let mut content = (text.len() as u32).to_le_bytes().to_vec();
    content.extend(text.as_bytes());
    content.extend(image.to_bytes());
    sealed(&content)
}

/// What an entry is with that content, whatever it is.
pub fn sealed(content: &[u8]) -> Vec<u8> {
    [MAGIC, &Sha256::digest(content), content].concat()
}

/// The key and the image of an entry; `None` if it is damaged.
pub fn read_entry(bytes: &[u8]) -> Option<(String, Image)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (hash, content) = rest.split_first_chunk::<32>()?;
    (*hash == <[u8; 32]>::from(Sha256::digest(content))).then_some(())?;
    let (length, rest) = content.split_first_chunk::<4>()?;
    let (text, image) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((std::str::from_utf8(text).ok()?.to_owned(), Image::from_bytes(image).ok()?))
}

/// Whether only its owner can write, and that is who runs this process.
#[cfg(unix)]
fn owned(found: &Metadata) -> Result<(), &'static str> {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: the call has no conditions.
    let user = unsafe { libc::geteuid() };
    if found.uid() != user {
        return Err("it belongs to somebody else");
    }
    if found.mode() & 0o022 != 0 {
        return Err("others can write to it");
    }
    Ok(())
}

/// Who can write to a file is not known here.
#[cfg(not(unix))]
fn owned(_: &Metadata) -> Result<(), &'static str> {
    Err("who can write to it is not known on this system")
}

/// Makes a folder for its owner alone.
fn make(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use tcc_ir::loops::Func;

    fn image() -> Image {
        let func: Func = "func @f() { output y: f32[1] y[0] = 1.0f32 }".parse().expect("a function");
        let images = tcc_backends::backend("cranelift").and_then(|b| b.images).expect("it keeps code");
        (images.compile)(&func).expect("it compiles")
    }

    fn key(text: &str) -> Key {
        Key::of(text.into())
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    }

    #[test]
    fn what_is_kept_comes_back_and_nothing_else() {
        let outside = tempfile::tempdir().unwrap();
        let folder = Folder::open(&outside.path().join("deep/cache")).unwrap();
        assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(folder.load(&key("a")), Ok(None));
        folder.store(&key("a"), &image()).unwrap();
        assert_eq!(folder.load(&key("a")), Ok(Some(image())));
        assert_eq!(folder.load(&key("b")), Ok(None));
        let entry = &folder.entries()[0];
        assert_eq!(std::fs::metadata(&entry.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(entry.read(), Ok(("a".into(), image())));
        // An entry under the name of another.
        std::fs::copy(folder.place(&key("a")), folder.place(&key("b"))).unwrap();
        assert!(folder.load(&key("b")).unwrap_err().contains("another program"));
        assert_eq!(folder.clear().unwrap(), 2);
        assert_eq!(folder.load(&key("a")), Ok(None));
    }

    #[test]
    fn folders_that_others_can_change_are_refused() {
        let outside = tempfile::tempdir().unwrap();
        let path = outside.path().join("cache");
        Folder::open(&path).unwrap();
        for bits in [0o777, 0o702, 0o720] {
            mode(&path, bits);
            assert!(Folder::open(&path).err().unwrap().contains("others can write"), "{bits:o}");
        }
        mode(&path, 0o755);
        assert!(Folder::open(&path).is_ok());
        let link = outside.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(Folder::open(&link).err().unwrap().contains("no folder"));
        let file = outside.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert!(Folder::open(&file).is_err());
        assert!(Folder::open(Path::new("/proc/tcc")).is_err());
    }

    #[test]
    fn damaged_and_foreign_entries_are_ignored() {
        let outside = tempfile::tempdir().unwrap();
        let folder = Folder::open(&outside.path().join("cache")).unwrap();
        folder.store(&key("a"), &image()).unwrap();
        let path = folder.place(&key("a"));
        let whole = std::fs::read(&path).unwrap();
        for length in (0..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(folder.load(&key("a")).unwrap_err().contains("damaged"), "{length} bytes");
        }
        for bit in (0..8 * whole.len()).step_by(13) {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, flipped).unwrap();
            assert!(folder.load(&key("a")).unwrap_err().contains("damaged"), "bit {bit}");
        }
        std::fs::write(&path, &whole).unwrap();
        mode(&path, 0o666);
        assert!(folder.load(&key("a")).unwrap_err().contains("others can write"));
        mode(&path, 0o600);
        let elsewhere = outside.path().join("elsewhere");
        std::fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert!(folder.load(&key("a")).unwrap_err().contains("ignored"));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(folder.load(&key("a")).unwrap_err().contains("no file"));
        std::fs::remove_dir(&path).unwrap();
        // What was ignored is written anew.
        std::fs::write(&path, "rubbish").unwrap();
        folder.store(&key("a"), &image()).unwrap();
        assert_eq!(folder.load(&key("a")), Ok(Some(image())));
    }

    #[test]
    fn the_longest_unused_make_room() {
        let outside = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(&outside.path().join("cache")).unwrap();
        folder.most = (3, MOST_BYTES);
        let old = SystemTime::now() - std::time::Duration::from_secs(9);
        for (age, text) in ["a", "b", "c"].iter().enumerate() {
            folder.store(&key(text), &image()).unwrap();
            let file = File::options().write(true).open(folder.place(&key(text))).unwrap();
            file.set_modified(old + std::time::Duration::from_secs(age as u64)).unwrap();
        }
        assert!(folder.load(&key("a")).unwrap().is_some());
        folder.store(&key("d"), &image()).unwrap();
        let kept = |text: &str| folder.place(&key(text)).exists();
        assert_eq!((kept("a"), kept("b"), kept("c"), kept("d")), (true, false, true, true));
        folder.most = (3, 0);
        folder.store(&key("e"), &image()).unwrap();
        assert_eq!(folder.entries().len(), 0);
    }

    #[test]
    fn many_writers_and_readers_do_not_disturb_each_other() {
        let outside = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(&outside.path().join("cache")).unwrap();
        folder.most = (2, MOST_BYTES);
        let (folder, image) = (&folder, &image());
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for round in 0..50 {
                        let key = key(&format!("{}", (thread + round) % 5));
                        if let Some(found) = folder.load(&key).unwrap() {
                            assert_eq!(found, *image);
                        }
                        folder.store(&key, image).unwrap();
                    }
                });
            }
        });
        assert!(folder.entries().len() <= 4);
    }
}
