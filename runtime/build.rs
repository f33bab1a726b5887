//! Builds the symbols that stand in for the WebAssembly interpreter, and numbers the build.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=native/nowasm.c");
    if env::var_os("CARGO_FEATURE_QUICKJS").is_some() {
        cc::Build::new().file("native/nowasm.c").compile("cowry_nowasm");
    }
    println!("cargo:rustc-env=COWRY_BUILD_ID={:016x}", build_id());
    probe();
    embed();
}

/// The operation that makes arbitrary system calls exists only where debug assertions are on. Asking for it by
/// name in a release build is refused; the tests ask for it by another, so that they and the benchmarks build.
fn probe() {
    println!("cargo:rustc-check-cfg=cfg(cowry_probe)");
    let is_debug = env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_some();
    let asked = env::var_os("CARGO_FEATURE_SYSCALL_PROBE").is_some();
    assert!(is_debug || !asked, "the feature `syscall-probe` is for tests: a release build refuses it");
    if is_debug && (asked || env::var_os("CARGO_FEATURE_WALL_TESTS").is_some()) {
        println!("cargo:rustc-cfg=cowry_probe");
    }
}

/// A number for everything that decides what goes over the wire: both ends of it must come from one build. It tells
/// mistakes apart, not forgeries.
fn build_id() -> u64 {
    let mut hasher = DefaultHasher::new();
    for variable in ["CARGO_PKG_VERSION", "TARGET", "CARGO_FEATURE_QUICKJS", "CARGO_FEATURE_V8"] {
        env::var_os(variable).hash(&mut hasher);
    }
    for folder in ["src", "../vfs/src"] {
        println!("cargo:rerun-if-changed={folder}");
        for file in files(Path::new(folder)) {
            fs::read(&file).expect("a source file of this build can be read").hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Every file below a folder, in order; none if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The extension crates whose scripts are needed, in the versions that `Cargo.toml` asks for.
const EXTENSIONS: &[(&str, &str)] = &[("deno_web", "0.291.0"), ("deno_webidl", "0.260.0")];

/// Puts the scripts of the extension crates into this one. On their own they are read from the sources of those
/// crates when an isolate is built, which are on the machine that builds and not on the one that runs.
fn embed() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut table = String::from("&[");
    for (name, version) in EXTENSIONS {
        let source = source_of(name, version);
        let target = out.join(name);
        fs::create_dir_all(&target).expect("the output folder can be written");
        for file in files(&source) {
            let Some(file_name) = file.file_name().and_then(|n| n.to_str()) else { continue };
            if file.parent() != Some(&source) || !file_name.ends_with(".js") {
                continue;
            }
            let copy = target.join(file_name);
            fs::copy(&file, &copy).expect("a script can be copied");
            table += &format!("({:?}, include_str!({copy:?})),", format!("ext:{name}/{file_name}"));
        }
    }
    table += "]";
    fs::write(out.join("scripts.rs"), table).expect("the output folder can be written");
}

/// Where cargo keeps the source of a crate.
fn source_of(name: &str, version: &str) -> PathBuf {
    let folder = format!("{name}-{version}");
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let found =
        registries.into_iter().flatten().flatten().map(|r| r.path().join(&folder)).find(|p| p.is_dir());
    found
        .or_else(|| ask_cargo(name))
        .unwrap_or_else(|| panic!("cargo does not say where the source of {folder} is"))
}

/// Asks cargo, which knows of vendored and patched sources, too.
fn ask_cargo(name: &str) -> Option<PathBuf> {
    let arguments = ["metadata", "--format-version", "1", "--offline"];
    let answer = Command::new(env::var_os("CARGO")?).args(arguments).output().ok()?;
    let answer = String::from_utf8(answer.stdout).ok()?;
    let package = answer.split("\"manifest_path\":\"").skip(1).find(|rest| {
        let path = rest.split('"').next().unwrap_or_default();
        Path::new(path)
            .parent()
            .and_then(Path::file_name)
            .and_then(|n| n.to_str())
            .is_some_and(|n| n.starts_with(name))
    })?;
    Path::new(package.split('"').next()?).parent().map(Path::to_path_buf)
}
