//! What is made of replies that are cut, and of writes of which nobody can say whether they took place.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cowry_s3_server::{Gate, Plan, Request};

use super::*;
use crate::layer::Layer;
use crate::node::{NewAttr, NewNode};
use crate::object::bucket::WRITE_MARK;
use crate::object::{ObjectLayer, ObjectOptions};
use crate::path::Name;

/// Cuts every listing after so many bytes, in one way or another.
struct Cutting {
    after: AtomicUsize,
    how: Fault,
}

impl Plan for Cutting {
    fn next(&self, request: Request, _: &str) -> Option<Fault> {
        (request == Request::List).then_some(self.how)
    }

    fn cut(&self, _: &str, length: usize) -> usize {
        self.after.load(Ordering::SeqCst).min(length)
    }
}

/// A bucket behind a proxy that does what a plan says, of which nothing is tried again that often.
fn behind(server: &Server, plan: Arc<dyn Plan>, retries: usize) -> (Proxy, Bucket) {
    let proxy = Proxy::start(server.address(), plan);
    let keys = server.keys().by_way_of(&proxy.endpoint());
    let how = Connect { retries, ..Connect::default() };
    let bucket = Bucket::open_with(&at("s3://shells/p"), how, &|name| keys.env(name)).expect("it opens");
    (proxy, bucket)
}

#[test]
fn a_listing_that_is_cut_is_not_taken_for_a_short_one() {
    let server = Server::start("shells");
    let straight = met(&server, "s3://shells/p", &[]);
    let items = (0..3).map(|number| (format!("folder/{number}"), Bytes::from_static(b"content")));
    straight.put_many(items.collect::<Vec<_>>(), 1).expect("put");
    for how in [Fault::Truncated, Fault::Reset] {
        let plan = Arc::new(Cutting { after: 0.into(), how });
        let (_proxy, bucket) = behind(&server, plan.clone(), 0);
        let (mut whole, mut cut) = (0, 0);
        for after in (0..2000).step_by(29) {
            plan.after.store(after, Ordering::SeqCst);
            let mut names = Vec::new();
            let listed = bucket.list_all("folder", |found| {
                names.push(found.name);
                Ok(())
            });
            assert!(listed.is_err() || names.len() == 3, "cut at {after}: {names:?}");
            let page = bucket.list("folder", None, 1000).map(|page| page.objects.len());
            assert!(
                page.is_err() || page.as_ref().is_ok_and(|found| *found == 3),
                "cut at {after}: {page:?}"
            );
            if listed.is_ok() { whole += 1 } else { cut += 1 }
        }
        assert!(whole > 0 && cut > 10, "{how:?}: {whole} were whole, {cut} were cut");
    }
}

/// A plan for writes that take place and are said to have failed, while nobody can look what is there.
fn in_the_dark(lit: &Arc<AtomicBool>, first: bool) -> Arc<Gate> {
    let (lit, writes) = (lit.clone(), AtomicUsize::new(0));
    Arc::new(Gate::new(move |request, _| match request {
        _ if lit.load(Ordering::SeqCst) => None,
        Request::Put if writes.fetch_add(1, Ordering::SeqCst) == 0 || !first => Some(Fault::BrokenAfter),
        Request::Get => Some(Fault::Broken),
        _ => None,
    }))
}

/// The second try of a write meets what the first one made. Without a look nobody knows whose it is.
#[test]
fn nobody_is_blamed_for_what_may_be_ours() {
    let server = Server::start("shells");
    let lit = Arc::new(AtomicBool::new(false));
    let (_proxy, bucket) = behind(&server, in_the_dark(&lit, true), 1);
    let metadata = BTreeMap::from([(WRITE_MARK.to_owned(), "ours".to_owned())]);
    let put = || bucket.put("it", Bytes::from_static(b"content"), &Expect::Absent, &metadata);
    let trouble = put().expect_err("nobody can look");
    assert_ne!(trouble.kind(), TroubleKind::Changed, "{trouble}");
    lit.store(true, Ordering::SeqCst);
    put().expect("it is ours");
    assert_eq!(bucket.get("it", None, None).expect("there"), "content");
}

/// What was made and said not to be is seen as soon as somebody looks.
#[test]
fn a_file_that_got_there_all_the_same_is_found() {
    let server = Server::start("shells");
    let lit = Arc::new(AtomicBool::new(true));
    let (_proxy, bucket) = behind(&server, in_the_dark(&lit, false), 0);
    let layer = ObjectLayer::open(bucket, ObjectOptions::default()).expect("it opens");
    for (name, content) in [("small", &b"content"[..]), ("empty", b"")] {
        let name = Name::new(name).expect("a name");
        assert!(layer.lookup(layer.root(), &name).is_err());
        lit.store(false, Ordering::SeqCst);
        let made = layer.create(layer.root(), &name, NewNode::File(content), &NewAttr::with_mode(0o644));
        made.expect_err("nobody can say");
        lit.store(true, Ordering::SeqCst);
        let stat = layer.lookup(layer.root(), &name).expect("it is there");
        assert_eq!(layer.read(stat.ino, 0, 100).expect("read"), content);
    }
}
