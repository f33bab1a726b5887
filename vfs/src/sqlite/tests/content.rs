use super::*;

#[test]
fn large_files_are_cut_into_shared_chunks() {
    let f = Fixture::new();
    let data = noise(1, 8 << 20);
    f.put("/a", &data);
    f.seal();
    let once = f.file_bytes();
    assert_eq!(read(&f.layer, "/a"), data);
    // The same bytes after an insertion, written piece by piece, take little more.
    let shifted = [b"inserted", &data[..]].concat();
    let b = f.put("/b", b"").ino;
    for piece in shifted.chunks(100_000) {
        f.layer.append(b, piece).unwrap();
    }
    f.seal();
    assert_eq!(read(&f.layer, "/b"), shifted);
    assert!(f.file_bytes() < once + (1 << 20), "{once} grew to {}", f.file_bytes());
}

#[test]
fn scattered_edits_cost_what_they_write() {
    let f = Fixture::new();
    let mut data = noise(1, 32 << 20);
    let ino = f.put("/a", &data).ino;
    f.seal();
    let before = f.file_bytes();
    for i in 0..16usize {
        let (at, page) = (i * 2_000_003, noise(100 + i as u64, 4096));
        f.layer.write(ino, at as u64, &page).unwrap();
        data[at..at + 4096].copy_from_slice(&page);
    }
    f.seal();
    let grown = f.file_bytes() - before;
    assert!(grown <= 256 << 10, "grew by {grown}");
    assert!(read(&f.layer, "/a") == data);
    assert!(read(&*f.at(Revision(1)), "/a") == noise(1, 32 << 20));
}

#[test]
fn rewriting_in_the_open_revision_leaves_nothing_behind() {
    let f = Fixture::new();
    let ino = f.put("/a", &noise(0, 1 << 20)).ino;
    let before = f.file_bytes();
    for i in 0..20 {
        f.put("/a", &noise(i, 1 << 20));
        f.layer.write(ino, 5000, &noise(i, 10_000)).unwrap();
    }
    assert!(f.file_bytes() < before + (2 << 20), "{before} grew to {}", f.file_bytes());
}

#[test]
fn badly_fragmented_file_is_cut_again_when_sealed() {
    let f = Fixture::new();
    let mut data = noise(1, 1 << 20);
    let ino = f.put("/a", &data).ino;
    f.seal();
    for i in (0..1usize << 20).step_by(8192).rev() {
        f.layer.write(ino, i as u64, &[i as u8; 100]).unwrap();
        data[i..i + 100].fill(i as u8);
    }
    let extents = || {
        f.layer
            .read_now(|view| Ok(view.extents(view.node(ino.0 as i64)?.content.unwrap(), 0..i64::MAX)?.len()))
    };
    assert!(extents().unwrap() > 200);
    f.seal();
    assert!(extents().unwrap() < 40);
    assert!(read(&f.layer, "/a") == data);
}

#[test]
fn damaged_chunk_is_an_error_and_never_other_bytes() {
    let f = Fixture::new();
    f.put("/a", &noise(1, 1 << 20));
    f.seal();
    let f = f.reopened();
    f.sql("UPDATE block SET data = zeroblob(length(data)) WHERE chunk = 2");
    let error = f.layer.read(f.ino("/a"), 0, usize::MAX).unwrap_err();
    assert_eq!(error, Errno::EIO);
    assert!(std::error::Error::source(&error).unwrap().to_string().starts_with("chunk 2 of the workspace"));
    f.sql("DELETE FROM block WHERE chunk = 2; DELETE FROM chunk WHERE id = 3");
    assert_eq!(f.layer.read(f.ino("/a"), 0, usize::MAX).unwrap_err(), Errno::EIO);
}

#[test]
fn holes_are_kept_and_found() {
    let f = Fixture::new();
    let ino = f.put("/a", b"head").ino;
    f.layer.write(ino, 1 << 30, b"tail").unwrap();
    let stat = f.layer.getattr(ino).unwrap();
    assert_eq!((stat.size, stat.blocks), ((1 << 30) + 4, 1));
    assert_eq!(f.layer.seek(ino, 0, SeekTo::Hole).unwrap(), 4);
    assert_eq!(f.layer.seek(ino, 4, SeekTo::Data).unwrap(), 1 << 30);
    assert_eq!(f.layer.seek(ino, 1 << 30, SeekTo::Hole).unwrap(), (1 << 30) + 4);
    assert_eq!(&f.layer.read(ino, 2, 4).unwrap()[..], b"ad\0\0");
    f.layer.allocate(ino, Allocate::Punch, 0, 3).unwrap();
    assert_eq!(&f.layer.read(ino, 0, 5).unwrap()[..], b"\0\0\0d\0");
    f.layer.setattr(ino, &SetAttr::size(4)).unwrap();
    assert_eq!(f.layer.getattr(ino).unwrap().blocks, 1);
    assert_eq!(f.layer.seek(ino, 4, SeekTo::Data).unwrap_err(), Errno::ENXIO);
}

/// Every way content can be stored, against a vector of bytes.
#[test]
fn writes_of_all_shapes_agree_with_a_vector() {
    let f = Fixture::new();
    let (ino, mut model) = (f.put("/a", b"").ino, Vec::new());
    let mut dice = noise(9, 4 * 400).into_iter();
    let mut roll =
        |n: usize| (usize::from(dice.next().unwrap()) << 8 | usize::from(dice.next().unwrap())) % n;
    for step in 0..400usize {
        match roll(10) {
            0 => {
                let size = roll(60_000) * 8;
                f.layer.setattr(ino, &SetAttr::size(size as u64)).unwrap();
                model.resize(size, 0);
            }
            1 => {
                let (at, len) = (roll(400) * 1000, 50_000);
                f.layer.allocate(ino, Allocate::Punch, at as u64, len as u64).unwrap();
                let end = (at + len).min(model.len());
                model[at.min(end)..end].fill(0);
            }
            2 => drop(f.layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap()),
            kind => {
                let data = noise(step as u64, [1, 100, 5000, 70_000, 200_000][kind % 5]);
                let at = if kind > 6 { model.len() } else { roll(300) * 1000 };
                f.layer.write(ino, at as u64, &data).unwrap();
                model.resize(model.len().max(at + data.len()), 0);
                model[at..at + data.len()].copy_from_slice(&data);
            }
        }
        f.clock.advance(10);
        let stored = f.layer.read(ino, 0, usize::MAX).unwrap();
        assert!(stored == model, "step {step}: {} bytes, {} expected", stored.len(), model.len());
    }
    let (node, extents) = f
        .layer
        .read_now(|view| {
            let node = view.file(ino.0 as i64)?;
            let extents = view.extents(node.content.unwrap(), 0..i64::MAX)?;
            Ok((node, extents))
        })
        .unwrap();
    assert_eq!(node.space, extents.iter().map(|extent| extent.length).sum::<i64>());
    assert!(extents.windows(2).all(|pair| pair[0].end() <= pair[1].offset));
}

#[test]
fn damaged_inline_bytes_are_an_error_that_names_the_file() {
    let f = Fixture::new();
    let (small, open) = (f.put("/small", b"precious"), f.put("/open", b"x"));
    f.seal();
    f.put("/open", b"changed twice");
    f.sql("UPDATE content SET inline = x'70726563696f7573' WHERE inline = x'70726563696f7573'");
    assert_eq!(read(&f.layer, "/small"), b"precious", "verified and remembered");
    f.sql("UPDATE content SET inline = CAST(replace(CAST(inline AS TEXT), 'e', 'a') AS BLOB)");
    let f = f.reopened();
    for ino in [small.ino, open.ino] {
        let error = f.layer.read(ino, 0, 4).unwrap_err();
        assert_eq!(error, Errno::EIO);
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains(&format!("of node {}", ino.0)) && source.contains("hash"), "{source}");
        assert_eq!(
            f.layer.write(ino, 0, b"y").unwrap_err(),
            Errno::EIO,
            "nothing is made of what is damaged"
        );
    }
}

#[test]
fn lost_inline_bytes_do_not_read_as_a_hole() {
    for damage in ["inline = NULL", "inline = x'00'", "hash = x'00'"] {
        let f = Fixture::new();
        let file = f.put("/a", b"precious");
        f.sql(&format!("UPDATE content SET {damage}"));
        assert_eq!(f.layer.read(file.ino, 0, 9).unwrap_err(), Errno::EIO, "{damage}");
    }
}

#[test]
fn inline_bytes_without_a_hash_are_believed_until_written() {
    let f = Fixture::new();
    let file = f.put("/a", b"of version 1");
    f.sql("UPDATE content SET hash = NULL");
    assert_eq!(read(&f.layer, "/a"), b"of version 1");
    f.layer.write(file.ino, 0, b"OF").unwrap();
    f.sql("UPDATE content SET inline = zeroblob(length(inline))");
    assert_eq!(f.layer.read(file.ino, 0, 9).unwrap_err(), Errno::EIO);
}

#[test]
fn numbers_of_contents_and_chunks_are_given_out_once() {
    let f = Fixture::new();
    f.put("/kept", b"kept");
    let newest = |f: &Fixture| -> (i64, i64) {
        let conn = rusqlite::Connection::open(&f.path).unwrap();
        let sql =
            "SELECT (SELECT coalesce(max(id), 0) FROM content), (SELECT coalesce(max(id), 0) FROM chunk)";
        conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    f.put("/large", &noise(1, 200_000));
    f.put("/small", b"small");
    f.seal();
    let before = newest(&f);
    f.unlink("/large");
    f.unlink("/small");
    f.seal();
    f.layer.prune(&PruneRequest::default()).unwrap();
    f.layer.gc().unwrap();
    assert!(newest(&f) < before, "the highest numbers are gone");
    let f = f.reopened();
    f.put("/large", &noise(2, 200_000));
    f.seal();
    let conn = rusqlite::Connection::open(&f.path).unwrap();
    let again: bool = conn
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM content WHERE id > 1 AND id <= ?1) OR EXISTS (SELECT 1 FROM chunk WHERE id <= ?2)",
            [before.0, before.1],
            |row| row.get(0),
        )
        .unwrap();
    assert!(!again, "{before:?}");
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}
