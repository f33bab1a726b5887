//! Content that is uploaded while it is read, and named afterwards.

use super::*;

/// Uploads what comes in pieces of a length that fits nothing, and returns where each cut piece belongs.
fn upload<'a>(layer: &'a SqliteLayer, content: &[u8]) -> NodeResult<(Vec<(usize, Piece)>, Sent<'a>)> {
    let mut ahead = layer.ahead()?.expect("content goes to a bucket");
    let (mut pieces, mut at) = (Vec::new(), 0);
    let mut note = |cut: Vec<(Piece, Bytes)>| {
        for (piece, bytes) in cut {
            assert!(bytes == content[at..at + bytes.len()] && piece.length() == bytes.len(), "at {at}");
            pieces.push((at, piece));
            at += bytes.len();
        }
    };
    for part in content.chunks(1_234_567) {
        note(ahead.push(part)?);
    }
    note(ahead.cut_off()?);
    assert_eq!(at, content.len());
    Ok((pieces, ahead.finish()?))
}

/// Writes a file of these pieces, and returns how many had to be read again.
fn name_all(layer: &SqliteLayer, file: &str, content: &[u8], pieces: &[(usize, Piece)]) -> NodeResult<usize> {
    let mut again = 0;
    layer.batch(&mut |batch| {
        let attr = NewAttr::with_mode(0o644);
        let ino = batch.create(ROOT_INO, &name(file), NewNode::File(b""), &attr)?.ino;
        for (at, piece) in pieces {
            let mut bytes = || {
                again += 1;
                Ok(Bytes::copy_from_slice(&content[*at..*at + piece.length()]))
            };
            layer.write_piece(ino, *at as u64, piece, &mut bytes)?;
        }
        Ok(())
    })?;
    Ok(again)
}

#[test]
fn what_is_written_ahead_is_named_without_its_bytes() {
    let at = address();
    let f = fixture(&at);
    let long = noise(30, 9_876_543);
    let (pieces, sent) = upload(&f.layer, &long).expect("uploaded");
    assert_eq!(objects(&at).len(), pieces.len(), "it is there before anything is named");
    assert_eq!(name_all(&f.layer, "long", &long, &pieces).expect("named"), 0);
    drop(sent);
    assert_eq!(places(&f.layer), (0, pieces.len() as u64), "nothing waits to be moved up");
    f.seal();
    assert!(afresh(&f, "/long").expect("it is read") == long);
    // Cut as if written at once: the same content is the same pieces, whichever way it comes.
    f.put("/same", &long);
    f.seal();
    assert_eq!(objects(&at).len(), pieces.len());
    let (again, _sent) = upload(&f.layer, &long).expect("known");
    assert_eq!((again == pieces, objects(&at).len()), (true, pieces.len()));
    assert!(f.layer.check().expect("checked").is_sound());
    assert!(f.layer.check_buckets(&mut |_| {}).expect("checked").is_sound());
    assert_eq!(f.layer.statfs().expect("known").used_bytes, 2 * long.len() as u64);
}

#[test]
fn what_is_not_there_any_more_is_written_from_its_bytes() {
    let at = address();
    let f = fixture(&at);
    let long = noise(31, 3 << 20);
    let (pieces, sent) = upload(&f.layer, &long).expect("uploaded");
    f.clock.advance(1000);
    assert_eq!(f.layer.sweep_content(FOREVER).expect("swept").objects, pieces.len() as u64);
    assert_eq!(name_all(&f.layer, "long", &long, &pieces).expect("written"), pieces.len());
    drop(sent);
    f.seal();
    assert!(afresh(&f, "/long").expect("it is read") == long);
    // Not even what nobody keeps for the transaction any more is named.
    let other = noise(32, 3 << 20);
    let (pieces, sent) = upload(&f.layer, &other).expect("uploaded");
    drop(sent);
    assert_eq!(name_all(&f.layer, "other", &other, &pieces).expect("written"), pieces.len());
    f.seal();
    assert!(afresh(&f, "/other").expect("it is read") == other);
    assert!(f.layer.check_buckets(&mut |_| {}).expect("checked").is_sound());
}

#[test]
fn a_crash_between_upload_and_naming_leaves_only_what_the_sweep_finds() {
    for place in ["TIER_NOTED", "TIER_UPLOADED", "COMMIT"] {
        let at = address();
        let f = fixture(&at);
        f.put("/before", b"before");
        f.seal();
        let long = noise(33, 3 << 20);
        let done = with_failpoints(fail_at(place), || {
            let (pieces, _sent) = upload(&f.layer, &long)?;
            name_all(&f.layer, "long", &long, &pieces)
        });
        assert!(done.is_err(), "{place}");
        let f = f.reopened();
        assert!(f.layer.lookup(ROOT_INO, &name("long")).is_err(), "{place}");
        assert_eq!(places(&f.layer), (0, 1), "{place}");
        f.clock.advance(2 * 86_400_000_000_000);
        f.layer.sweep_content(Duration::from_secs(86_400)).expect("swept");
        assert_eq!(objects(&at).len(), 1, "{place}");
        assert_eq!(f.layer.content_use().expect("readable").strays, 0, "{place}");
        assert_eq!(afresh(&f, "/before").expect("it is read"), b"before");
    }
}

#[test]
fn pieces_behind_a_hole_and_behind_short_content_are_named() {
    let at = address();
    let f = fixture(&at);
    let (short, long) = (noise(34, 1000), noise(35, 2 << 20));
    let (pieces, _sent) = upload(&f.layer, &long).expect("uploaded");
    f.put("/file", &short);
    let ino = f.ino("/file");
    for (at, piece) in &pieces {
        let offset = (5 << 20) + *at as u64;
        f.layer.write_piece(ino, offset, piece, &mut || unreachable!("it is there")).expect("named");
    }
    let mut all = short;
    all.resize(5 << 20, 0);
    all.extend_from_slice(&long);
    assert!(read(&f.layer, "/file") == all);
    f.seal();
    assert!(afresh(&f, "/file").expect("it is read") == all);
    assert_eq!(f.layer.statfs().expect("known").used_bytes, 1000 + (2 << 20), "the hole takes no room");
    // In the middle of a file there is no place of its own for a piece: its bytes are written.
    let mut asked = 0;
    let (piece, length) = (&pieces[0].1, pieces[0].1.length());
    let mut bytes = || {
        asked += 1;
        Ok(Bytes::copy_from_slice(&long[..length]))
    };
    f.layer.write_piece(ino, 10, piece, &mut bytes).expect("written");
    assert_eq!(asked, 1);
    all[10..10 + length].copy_from_slice(&long[..length]);
    assert!(read(&f.layer, "/file") == all);
}

#[test]
fn a_piece_that_the_quota_has_no_room_for_is_refused() {
    let at = address();
    let f = fixture(&at);
    let long = noise(36, 3 << 20);
    f.layer.set_quota(Quota { bytes: Some(2 << 20), inodes: None }).expect("set");
    let (pieces, _sent) = upload(&f.layer, &long).expect("uploaded");
    let error = name_all(&f.layer, "long", &long, &pieces).expect_err("there is no room");
    assert_eq!(error.errno(), Errno::EDQUOT);
    assert!(f.layer.lookup(ROOT_INO, &name("long")).is_err(), "all of it or nothing");
    f.layer.set_quota(Quota::default()).expect("set");
    assert_eq!(name_all(&f.layer, "long", &long, &pieces).expect("named"), 0, "it is still to be named");
}

#[test]
fn short_content_and_batches_upload_nothing() {
    let at = address();
    let f = Fixture::with(&alone);
    assert!(f.layer.ahead().expect("asked").is_none(), "there is no bucket");
    f.layer.set_content_tier(Some(&ContentTier { above: 2 << 20, ..ContentTier::at(&at) })).expect("set");
    assert!(f.layer.ahead().expect("asked").is_none(), "no piece is that long");
    f.layer.set_content_tier(Some(&ContentTier::at(&at))).expect("set");
    let within = |_: &dyn Layer| {
        assert!(f.layer.ahead()?.is_none());
        Ok(())
    };
    f.layer.batch(&mut { within }).expect("done");
    let tail = noise(37, 50 << 10);
    let (pieces, _sent) = upload(&f.layer, &tail).expect("cut");
    assert_eq!((pieces.len(), objects(&at).len()), (1, 0), "it is shorter than asked");
    assert_eq!(f.layer.ahead().expect("asked").expect("a bucket").least(), (64 << 10) + 1);
}

#[test]
fn one_that_cannot_be_sent_ends_the_upload() {
    let f = Fixture::with(&|options| {
        let refused = OpenBucket::new(|location| {
            let how = Connect { retries: 0, ..Connect::default() };
            Bucket::open_with(location, how, &|name| match name {
                "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:1".to_owned()),
                "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("none".to_owned()),
                _ => None,
            })
        });
        SqliteOptions { buckets: refused, ..alone(options) }
    });
    f.layer.set_content_tier(Some(&tier("s3://nowhere/at/all"))).expect("set");
    let error = upload(&f.layer, &noise(38, 20 << 20)).map(drop).expect_err("nobody answers");
    assert!(why(&error).contains("cannot be reached"), "{}", why(&error));
    assert_eq!(places(&f.layer), (0, 0));
}
