//! What every test starts from: a workspace in a folder of its own, on one zygote for all.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use cowry_shell_core::{
    ManualClock, OpenWorkspace, Outcome, Policy, Program, Run, RunReport, Runtime, SourceKind, Timestamp,
    Workspace,
};
use tempfile::TempDir;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(Runtime::new);

/// When tests begin: some moment in 2026.
pub const START: Timestamp = Timestamp(1_790_000_000_000_000_000);
pub const HOUR: i64 = 3600 * 1_000_000_000;

/// A workspace and the folder it is in.
pub struct Place {
    pub folder: TempDir,
    pub clock: Arc<ManualClock>,
    pub workspace: Workspace,
}

impl Place {
    pub fn new() -> Place {
        Place::starting(START)
    }

    /// One whose clock begins at a certain time.
    pub fn starting(at: Timestamp) -> Place {
        let folder = TempDir::new().expect("a temporary folder");
        let clock = ManualClock::new(at);
        let how = OpenWorkspace {
            create: true,
            runtime: Some(RUNTIME.clone()),
            clock: clock.clone(),
            ..OpenWorkspace::default()
        };
        let workspace = Workspace::open(folder.path().join("w.cowry"), &how).expect("a new workspace");
        Place { folder, clock, workspace }
    }

    /// The same file, opened once more as another process would.
    pub fn again(&self) -> Workspace {
        let how = OpenWorkspace {
            runtime: Some(RUNTIME.clone()),
            clock: self.clock.clone(),
            ..OpenWorkspace::default()
        };
        Workspace::open(self.host("w.cowry"), &how).expect("the workspace again")
    }

    /// A path of the folder on the host.
    pub fn host(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the workspace and seals it.
    pub fn write(&self, path: &str, text: &str) {
        let fs = self.workspace.fs();
        let parent =
            path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
        fs.mkdir_all(parent, 0o777).expect(path);
        fs.write(path, text.as_bytes()).expect(path);
        self.workspace.seal(None).expect("sealed");
    }

    /// The text of a file as it is now.
    pub fn read(&self, path: &str) -> String {
        self.workspace.fs().read_to_string(path).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn has(&self, path: &str) -> bool {
        self.workspace.fs().exists(path)
    }

    /// Runs a module that has `fs` imported, with a policy.
    pub fn run_with(&self, policy: Policy, code: &str) -> RunReport {
        let run = Run { policy, ..module(code) };
        self.workspace.run(&run, &mut |event| drop(event)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same with the default policy.
    pub fn run(&self, code: &str) -> RunReport {
        self.run_with(Policy::default(), code)
    }
}

pub fn runtime() -> Runtime {
    RUNTIME.clone()
}

/// A run of a module that has `fs` imported.
pub fn module(code: &str) -> Run {
    let code = format!("import fs from 'node:fs';\n{code}");
    Run::new(Program::Source { name: "test.mjs".into(), code, kind: SourceKind::Module })
}

pub fn policy(text: &str) -> Policy {
    Policy::parse(text, "cowry.toml", std::path::Path::new("")).unwrap_or_else(|error| panic!("{error}"))
}

/// Fails with what the program said if it did not succeed.
pub fn succeeded(report: &RunReport) -> &RunReport {
    match &report.record.outcome {
        Outcome::Completed { exit_code: 0 } => report,
        other => panic!("{other:?}"),
    }
}

/// The changed paths, each with its first letter: `A /out`.
pub fn changed(diff: &cowry_shell_core::Diff) -> Vec<String> {
    diff.changes
        .iter()
        .map(|change| format!("{} {}", &format!("{:?}", change.kind)[..1], change.path))
        .collect()
}
