use super::*;

#[test]
fn names_that_lead_out_are_not_taken() {
    for (raw, safe) in [
        ("a/b", Some("/a/b")),
        ("/etc/passwd", Some("/etc/passwd")),
        ("./a//b/", Some("/a/b")),
        ("./", Some("/")),
        ("", Some("/")),
        ("../a", None),
        ("a/../../b", None),
        ("a/..", None),
    ] {
        assert_eq!(safe_path(raw.as_bytes()).ok().as_ref().map(VPathBuf::as_str), safe, "{raw}");
    }
    assert!(safe_path(b"a\xff").is_err());
    assert!(safe_path(b"a\0b").is_err());
}

/// Everything of an archive, or why not.
fn read_all(bytes: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut source = bytes;
    let mut plain = uncompressed(&mut source)?;
    let mut members = Members::new(&mut plain);
    let mut all = Vec::new();
    while let Some(member) = members.next_member()? {
        let mut content = Vec::new();
        loop {
            let piece = members.piece(4096)?;
            if piece.is_empty() {
                break;
            }
            content.extend(piece);
        }
        all.push((member.name, content));
    }
    Ok(all)
}

mod packed {
    use proptest::prelude::*;

    use super::super::*;
    use super::read_all;
    use crate::{MemoryLayer, Vfs, VfsOptions};

    /// Packs one file under this name.
    fn pack(name: &str, content: &[u8]) -> Vec<u8> {
        let vfs = Vfs::new(std::sync::Arc::new(MemoryLayer::new()), VfsOptions::default());
        vfs.write("/f", content).expect("written");
        let found = vfs.locate("/f", crate::Follow::No).expect("there");
        let mut archive = Vec::new();
        let mut packer = Packer::new(&mut archive);
        packer.add(&*found.layer, Some(found.mount), name, &found.stat).expect("packed");
        packer.finish().expect("finished");
        archive
    }

    proptest! {
        #![proptest_config(crate::cases::cases(256))]

        #[test]
        fn any_name_and_content_comes_back(
            name in "[a-zé=\\n ]{1,300}",
            content in proptest::collection::vec(any::<u8>(), 0..3000),
        ) {
            let archive = pack(&name, &content);
            prop_assert_eq!(archive.len() % 512, 0);
            prop_assert_eq!(read_all(&archive).expect("sound"), vec![(name.into_bytes(), content)]);
        }

        #[test]
        fn damage_never_panics(
            at in 0usize..2048, with in any::<u8>(), cut in 0usize..4096,
            content in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let mut archive = pack(&"long/".repeat(40), &content);
            let length = archive.len();
            archive[at % length] = with;
            archive.truncate(length - cut % length);
            let _ = read_all(&archive);
        }

        #[test]
        fn garbage_is_no_archive(bytes in proptest::collection::vec(1u8.., 1..2000)) {
            prop_assert!(read_all(&bytes).is_err());
        }
    }
}
