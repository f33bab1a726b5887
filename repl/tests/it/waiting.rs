//! A bucket that does not answer, and a user who does not wait for it.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cowry_s3_server::{Fault, Gate, Proxy, Request, Server};

use crate::console::{Place, matches, transcript};

/// A server, a proxy that holds back all requests of a kind, and a place whose commands reach the server.
struct Scene {
    server: Server,
    gate: Arc<Gate>,
    proxy: Proxy,
    place: Place,
}

impl Scene {
    fn holding(kind: Request) -> Scene {
        let server = Server::start("shells");
        let gate = Arc::new(Gate::new(move |request, _| (request == kind).then_some(Fault::Hold)));
        let proxy = Proxy::start(server.address(), gate.clone());
        let folder = server.folder().join("shells/d");
        fs::create_dir_all(&folder).expect("made");
        fs::write(folder.join("x"), "text").expect("written");
        let place = Place::with(server.environment());
        Scene { server, gate, proxy, place }
    }

    /// Runs a command through the proxy, which is interrupted when a request of it is held.
    #[track_caller]
    fn interrupted(&self, words: &[&str], expected: &str) {
        let mut command = self.place.cowry(words);
        command.env("AWS_ENDPOINT_URL", self.proxy.endpoint()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        while self.gate.held().is_empty() && child.try_wait().expect("asked").is_none() {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        interrupt(&child);
        let told = transcript(&child.wait_with_output().expect("it ends"));
        assert!(matches(expected, &told), "\n--- expected\n{expected}\n--- actual\n{told}");
    }
}

/// What Ctrl-C does.
fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id());
    let _ = Command::new("/bin/sh").args(["-c", &kill]).status();
}

#[test]
fn a_run_that_waits_for_its_mount_is_left_at_once() {
    let scene = Scene::holding(Request::List);
    scene.interrupted(&["run", "--mount", "/d=s3://shells/d", "-e", "1"], "[exit status: 130]");
}

#[test]
fn a_program_that_waits_for_bytes_is_interrupted() {
    let scene = Scene::holding(Request::Get);
    let code = "fs.writeFileSync('/own', '1'); fs.readFileSync('/d/x')";
    scene.interrupted(
        &["-w", "a.cowry", "run", "--mount", "/d=s3://shells/d", "-e", code],
        "
! created workspace a.cowry
! cowry: …interrupted…
! nothing committed: the run failed; …
[exit status: 130]"
            .trim_start(),
    );
    // What it had written is kept.
    scene.place.check("$ cowry -w a.cowry runs diff latest\nA /own\n…\n");
}

#[test]
fn what_is_left_to_write_to_a_bucket_is_told_and_written_later() {
    let scene = Scene::holding(Request::Put);
    let code = "fs.writeFileSync('/d/y', '1'); fs.writeFileSync('/own', '1')";
    scene.interrupted(
        &["-w", "a.cowry", "run", "--mount", "/d=s3://shells/d:rw", "-e", code],
        "
! created workspace a.cowry
! cowry: interrupted before all was written to buckets; `cowry runs finish …` goes on
[exit status: 130]"
            .trim_start(),
    );
    scene.place.check(
        "
$ cowry -w a.cowry fs cat /own
1
$ cowry -w a.cowry runs finish latest
! wrote 1 object (1 B) to s3://shells/d
",
    );
    let written = fs::read_to_string(scene.server.folder().join("shells/d/y"));
    assert_eq!(written.expect("it is there"), "1");
}
