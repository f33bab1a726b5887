mod csv;
mod json;
mod properties;
mod text;
mod trees;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::Failed;
use super::{Kin, Merge, MergeConflictKind, MergeError, MergeRules, Merged, NoRules, Resolution, Scope};
use crate::commit::{InoMap, PersistAll, apply};
use crate::layer::Layer;
use crate::overlay::{OverlayOptions, ScratchLimits};
use crate::{MemoryLayer, RenameMode, VPathBuf, Vfs, VfsOptions};

/// The result, or the words of the clash.
fn said<T: AsRef<[u8]>>(result: Result<T, super::content::Clash>) -> Result<String, String> {
    match result {
        Ok(bytes) => Ok(String::from_utf8(bytes.as_ref().to_vec()).expect("the tests are text")),
        Err(clash) => Err(clash.0),
    }
}

fn failed(failed: Failed) -> String {
    match failed {
        Failed::Clash(clash) => clash.0,
        Failed::NoColumn(column) => format!("no column {column}"),
    }
}

/// Does what lines of a small language say: `write /a text`, `rm`, `mv`, `mkdir`, `ln`, `symlink`, `chmod`,
/// `xattr /a name value`, `save` (write anew and rename over it).
fn act(layer: &Arc<MemoryLayer>, script: &str) {
    for line in script.split(';').map(str::trim).filter(|line| !line.is_empty()) {
        try_act(layer, line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

fn try_act(layer: &Arc<MemoryLayer>, line: &str) -> crate::Result<()> {
    let tree = files(layer.clone());
    let words: Vec<&str> = line.split(' ').collect();
    let rest = |from: usize| words[from..].join(" ").replace("\\n", "\n");
    match words[0] {
        "write" => tree.write(words[1], rest(2).as_bytes()),
        "save" => tree
            .write("/saving", rest(2).as_bytes())
            .and_then(|()| tree.rename("/saving", words[1], RenameMode::Replace)),
        "rm" => tree.remove_all(words[1]),
        "mv" => tree.rename(words[1], words[2], RenameMode::Replace),
        "swap" => tree.rename(words[1], words[2], RenameMode::Exchange),
        "mkdir" => tree.mkdir_all(words[1], 0o755).map(drop),
        "ln" => tree.link(words[1], words[2]),
        "symlink" => tree.symlink(words[1], words[2]),
        "chmod" => tree.chmod(words[1], u32::from_str_radix(words[2], 8).expect("a mode")),
        "xattr" => tree.setxattr(words[1], words[2], rest(3).as_bytes(), Default::default()),
        other => panic!("the tests know no {other}"),
    }
}

fn files(layer: Arc<dyn Layer>) -> Vfs {
    Vfs::new(layer, VfsOptions::default())
}

/// Every path with what is there; mode and link count where they are unusual.
fn dump(layer: Arc<dyn Layer>) -> BTreeMap<String, String> {
    let tree = files(layer.clone());
    let mut all = BTreeMap::new();
    for entry in tree.walk_tree("/").expect("it can be walked") {
        let entry = entry.expect("it can be read");
        let (path, stat) = (entry.path, entry.stat);
        if path.is_root() {
            continue;
        }
        let usual = if stat.is_dir() { 0o755 } else { 0o644 };
        let mut text = match stat.kind {
            _ if stat.is_dir() => "dir".to_owned(),
            _ if stat.is_symlink() => format!("-> {}", tree.readlink(&path).expect("a link")),
            _ => tree.read_to_string(&path).expect("a file"),
        };
        if stat.mode != usual && !stat.is_symlink() {
            text += &format!(" ({:o})", stat.mode);
        }
        if stat.nlink > 1 && !stat.is_dir() {
            text += &format!(" x{}", stat.nlink);
        }
        for name in layer.listxattr(stat.ino).expect("its attributes can be listed") {
            let value = layer.getxattr(stat.ino, &name).expect("it was listed");
            text += &format!(" {name}={}", String::from_utf8_lossy(&value));
        }
        all.insert(path.to_string(), text);
    }
    all
}

fn show(dump: &BTreeMap<String, String>) -> String {
    dump.iter().map(|(path, text)| format!("{path}: {}", text.trim_end())).collect::<Vec<_>>().join("; ")
}

/// Three trees of one origin. New nodes on both sides have the same numbers, as in forks.
struct Fork {
    base: Arc<MemoryLayer>,
    ours: Arc<MemoryLayer>,
    theirs: Arc<MemoryLayer>,
}

impl Fork {
    fn of(base: &str, ours: &str, theirs: &str) -> Fork {
        let origin = Arc::new(MemoryLayer::new());
        act(&origin, base);
        let fork = || Arc::new(origin.fork());
        let made = Fork { base: fork(), ours: fork(), theirs: fork() };
        act(&made.ours, ours);
        act(&made.theirs, theirs);
        made
    }

    /// The same with steps that may fail, which then do nothing.
    fn with_steps(base: &str, ours: &[String], theirs: &[String]) -> Fork {
        let made = Fork::of(base, "", "");
        for (layer, steps) in [(&made.ours, ours), (&made.theirs, theirs)] {
            for step in steps {
                let _ = try_act(layer, step);
            }
        }
        made
    }

    fn merge(&self, rules: &dyn MergeRules) -> Result<Merged, MergeError> {
        let kin = || Kin::through(self.base.clone());
        let merge = Merge {
            base: self.base.clone(),
            ours: (self.ours.clone(), kin()),
            theirs: (self.theirs.clone(), kin()),
            our_scope: Scope::Everywhere,
            their_scope: Scope::Everywhere,
            rules,
        };
        merge.run(OverlayOptions { limits: ScratchLimits::UNLIMITED, ..OverlayOptions::default() })
    }

    /// The result as text and its conflicts; that committing it gives the same tree is checked too.
    fn merged(&self, rules: &dyn MergeRules) -> (String, Vec<String>) {
        let merged = self.merge(rules).expect("it can be merged");
        let conflicts = merged.conflicts.iter().map(ToString::to_string).collect();
        let target = Arc::new(self.ours.fork());
        apply(None, &merged.overlay, &mut InoMap::new(), &*target, &PersistAll).expect("it can be committed");
        let result = dump(Arc::new(merged.overlay));
        assert_eq!(show(&dump(target)), show(&result), "what is committed is what was merged");
        (show(&result), conflicts)
    }
}

/// Takes one side wherever there is a choice.
#[derive(Debug)]
struct Take(Resolution);

impl MergeRules for Take {
    fn resolve(&self, _: &VPathBuf, what: MergeConflictKind) -> Option<Resolution> {
        let fits = !matches!(self.0, Resolution::Content(_)) || what.takes_content();
        fits.then(|| self.0.clone())
    }

    fn csv_key(&self, _: &VPathBuf) -> Option<Vec<String>> {
        None
    }
}

/// One case: what happened on each side, and the tree that comes of it without a conflict.
fn check(base: &str, ours: &str, theirs: &str, expected: &str) {
    let (tree, conflicts) = Fork::of(base, ours, theirs).merged(&NoRules);
    assert_eq!(conflicts, Vec::<String>::new());
    assert_eq!(tree, expected);
    let (tree, conflicts) = Fork::of(base, theirs, ours).merged(&NoRules);
    assert_eq!(conflicts, Vec::<String>::new(), "the other way round");
    assert_eq!(tree, expected, "the other way round");
}

/// One conflict: how it is told, and what comes of taking ours and of taking theirs.
fn check_conflict(base: &str, ours: &str, theirs: &str, told: &[&str], take_ours: &str, take_theirs: &str) {
    let fork = Fork::of(base, ours, theirs);
    let (_, conflicts) = fork.merged(&NoRules);
    assert_eq!(conflicts, told);
    assert_eq!(fork.merged(&Take(Resolution::Ours)), (take_ours.to_owned(), Vec::new()), "ours");
    assert_eq!(fork.merged(&Take(Resolution::Theirs)), (take_theirs.to_owned(), Vec::new()), "theirs");
}
