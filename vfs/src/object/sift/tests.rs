//! Pages with keys that cannot be names, and answers that are no listings.

use super::page::{Flaw, sift};
use super::*;

fn page(entries: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>\
         <Prefix></Prefix>{entries}<IsTruncated>false</IsTruncated></ListBucketResult>"
    )
}

fn object(key: &str) -> String {
    format!("<Contents><Key>{key}</Key><Size>1</Size><Owner><Name>..</Name></Owner></Contents>")
}

#[track_caller]
fn check(keys: &[&str], good: &[&str]) {
    let all: String = keys.iter().map(|key| object(key)).collect();
    let left: String = good.iter().map(|key| object(key)).collect();
    match sift(page(&all).as_bytes()).expect("a listing") {
        Some(sifted) => {
            assert_eq!(String::from_utf8(sifted.left).expect("text"), page(&left));
            assert_eq!(sifted.hidden, (keys.len() - good.len()) as u64);
        }
        None => assert_eq!(keys, good),
    }
}

#[test]
fn keys_that_cannot_be_names_are_taken_out() {
    check(
        &["a", "a/b", "a/", "é &amp; &lt;x&gt;", "a b", "a&#47;c"],
        &["a", "a/b", "a/", "é &amp; &lt;x&gt;", "a b", "a&#47;c"],
    );
    check(&["a//b", "a", "a//"], &["a"]);
    check(&["/a", "//", "/", ""], &[]);
    check(&["./a", "a/..", "a/../b", "a/./", "..", "a..b"], &["a..b"]);
    check(&["a&#9;b", "a\tb", "a&#xA;b", "a&#127;", "z"], &["z"]);
    check(&["a&#0;b", "a&nothing;b", "a&#xD800;b", "z"], &["z"]);
}

#[test]
fn folders_are_sifted_too() {
    let folder = |name: &str| format!("<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>");
    let all = page(&["a/", "a//", "/", "b/"].map(folder).concat());
    let sifted = sift(all.as_bytes()).expect("a listing").expect("something is taken out");
    assert_eq!(String::from_utf8(sifted.left).expect("text"), page(&["a/", "b/"].map(folder).concat()));
    assert_eq!(sifted.hidden, 2);
}

#[test]
fn azure_writes_its_own_way() {
    let blob =
        |name: &str| format!("<Blob><Name>{name}</Name><Properties><Etag>x</Etag></Properties></Blob>");
    let all = |names: &[&str]| {
        let blobs: String = names.iter().map(|name| blob(name)).collect();
        format!(
            "<EnumerationResults><Blobs>{blobs}<BlobPrefix><Name>d/</Name></BlobPrefix></Blobs><NextMarker/></EnumerationResults>"
        )
    };
    let sifted = sift(all(&["a", "b//c"]).as_bytes()).expect("a listing").expect("something is taken out");
    assert_eq!(String::from_utf8(sifted.left).expect("text"), all(&["a"]));
}

#[test]
fn what_is_no_listing_is_not_an_empty_one() {
    let whole = page(&object("a"));
    for cut in 0..whole.len() {
        assert!(sift(&whole.as_bytes()[..cut]).is_err(), "{cut}");
    }
    assert_eq!(sift(b"<html><body>Log in first</body></html>").err(), Some(Flaw::Else));
    assert_eq!(sift(b"<Error><Code>InternalError</Code></Error>").err(), Some(Flaw::Else));
    let endless = page("").replace("false", "true");
    assert_eq!(sift(endless.as_bytes()).err(), Some(Flaw::Nowhere));
    let told =
        endless.replace("</IsTruncated>", "</IsTruncated><NextContinuationToken>x</NextContinuationToken>");
    assert!(sift(told.as_bytes()).expect("a listing").is_none());
}

#[test]
fn only_listings_are_looked_through() {
    assert!(
        asks_for_listing("delimiter=%2F&list-type=2&prefix=a%2F")
            && asks_for_listing("restype=container&comp=list")
    );
    assert!(
        !asks_for_listing("uploads")
            && !asks_for_listing("comp=blocklist")
            && !asks_for_listing("prefix=list-type=2x")
    );
}
