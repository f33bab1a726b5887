//! Conformance: every case on every backend, and a model test on each. One trial each, named
//! `sqlite::rename::onto_itself_changes_nothing`; what a backend cannot do shows as ignored.

mod backend;
mod differ;
mod document;
mod exercise;
mod model;
mod sealing;

use std::sync::Arc;

use backend::{BACKENDS, Backend, Probe};
use cowry_vfs::Layer;
use cowry_vfs::conformance::{Case, Group, Needs, VfsCase, layer_groups, vfs_groups, vfs_over};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for backend in BACKENDS {
        let probe = backend.probe();
        layer_groups().iter().for_each(|group| layer_trials(backend, &probe, group, &mut trials));
        vfs_groups().iter().for_each(|group| vfs_trials(backend, &probe, group, &mut trials));
        trials.extend(model::trial(backend, &probe));
        trials.extend(exercise::trials(backend, &probe));
        trials.extend(differ::trials(backend, &probe));
    }
    trials.push(exercise::of_the_kernel());
    trials.extend(document::trials());
    let conclusion = libtest_mimic::run(&arguments, trials);
    backend::end();
    conclusion.exit();
}

fn layer_trials(backend: &'static Backend, probe: &Probe, group: &Group<Case>, trials: &mut Vec<Trial>) {
    for case in group.cases {
        let name = format!("{}::{}::{}", backend.name, group.name, case.name);
        trials.push(trial(name, skipped(backend, probe, group.name, case.name, case.needs), move || {
            let built = backend.build(&|layer: &Arc<dyn Layer>| (case.setup)(&**layer));
            (case.run)(&*built.layer);
        }));
    }
}

fn vfs_trials(backend: &'static Backend, probe: &Probe, group: &Group<VfsCase>, trials: &mut Vec<Trial>) {
    for case in group.cases {
        let name = format!("{}::{}::{}", backend.name, group.name, case.name);
        trials.push(trial(name, skipped(backend, probe, group.name, case.name, case.needs), move || {
            let built = backend.build(&|layer: &Arc<dyn Layer>| (case.setup)(&vfs_over(layer.clone())));
            (case.run)(&vfs_over(built.layer.clone()));
        }));
    }
}

/// Why a case does not apply to a backend.
fn skipped(backend: &Backend, probe: &Probe, group: &str, case: &str, needs: Needs) -> Option<String> {
    if let Some(reason) = backend.excuse(group, case) {
        return Some(reason.to_owned());
    }
    let unmet = needs.unmet(&probe.layer).or_else(|| needs.of_fixture().unmet(&probe.fixture));
    unmet.map(|lacking| format!("needs {lacking}"))
}

/// A panic in `run` is a failure; the harness catches it.
fn trial(name: String, skipped: Option<String>, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || match skipped {
        Some(reason) => Ok::<_, Failed>(Completion::ignored_with(reason)),
        None => {
            run();
            Ok(Completion::Completed)
        }
    })
}
