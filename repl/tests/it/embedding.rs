//! The embedding guide: its three files, as they stand, are a crate outside this workspace that builds and runs.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The fenced block of `kind` that follows the mention of `file`.
fn block<'a>(guide: &'a str, file: &str, kind: &str) -> &'a str {
    let after = guide.split_once(&format!("`{file}`")).expect("the guide names the file").1;
    let body = after.split_once(&format!("```{kind}\n")).expect("with its content").1;
    body.split_once("```").expect("which ends").0
}

/// Where this build's artifacts are: dependencies are taken from there instead of being built once more.
fn target() -> &'static Path {
    let binary = Path::new(env!("CARGO_BIN_EXE_cowry"));
    binary.parent().and_then(Path::parent).expect("target/debug/cowry")
}

#[test]
fn a_crate_outside_this_workspace_builds_and_runs_as_the_guide_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("in the repository");
    let guide = fs::read_to_string(root.join("docs/embedding.md")).expect("the guide is there");
    let folder = tempfile::tempdir().expect("a temporary directory");
    // The guide's `../cowry`.
    std::os::unix::fs::symlink(root, folder.path().join("cowry")).expect("linked");
    let project = folder.path().join("embedder");
    for (file, kind) in [("Cargo.toml", "toml"), (".cargo/config.toml", "toml"), ("src/main.rs", "rust")] {
        let path = project.join(file);
        fs::create_dir_all(path.parent().expect("below the project")).expect("made");
        fs::write(path, block(&guide, file, kind)).expect("written");
    }
    // The same versions, so that nothing has to be looked up, and the same profile, so that little is built.
    fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).expect("copied");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--offline", "--quiet"])
        .args(["--config", "profile.dev.debug=\"line-tables-only\""])
        .args(["--config", "profile.dev.package.\"*\".opt-level=1"])
        .current_dir(&project)
        .env_remove("WAMR_LIB_DIR")
        .env("CARGO_TARGET_DIR", target())
        .output()
        .expect("cargo is there");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, "result: 42\nfile: hello\n", "{errors}");
    assert!(project.join("agent.cowry").is_file());
}
