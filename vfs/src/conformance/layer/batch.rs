//! Transactions.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::RenameMode;

const W: Needs = Needs::WRITES;
const T: Needs = W.and(Needs::TRANSACTIONS);

pub(super) const CASES: &[Case] = &[
    case("everything_stays", W, tree, everything_stays),
    case("sees_its_own_changes", W, tree, sees_its_own_changes),
    case("returns_the_error_as_it_is", W, tree, returns_the_error_as_it_is),
    case("failure_undoes_everything", T, tree, failure_undoes_everything),
    case("failure_undoes_content", T, tree, failure_undoes_content),
    case("failure_undoes_renames_of_directories", T, tree, failure_undoes_renames_of_directories),
    case("handled_errors_undo_nothing", W, tree, handled_errors_undo_nothing),
    case("nested_failure_undoes_its_own_part", T, tree, nested_failure_undoes_its_own_part),
    case("outer_failure_undoes_the_nested", T, tree, outer_failure_undoes_the_nested),
    case("layer_works_after_a_failure", T, tree, layer_works_after_a_failure),
    case("numbers_stay_unique_after_a_failure", T, tree, numbers_stay_unique_after_a_failure),
];

fn tree(layer: &dyn Layer) {
    file(layer, "f", b"content");
    dir(layer, "d");
    file(layer, "d/g", b"below");
}

fn everything_stays(layer: &dyn Layer) {
    layer
        .batch(&mut |layer| {
            file(layer, "new", b"n");
            rename(layer, "f", "d/f")?;
            unlink(layer, "d/g")
        })
        .unwrap();
    assert_eq!(list(layer, ""), ["d", "new"]);
    assert_eq!(list(layer, "d"), ["f"]);
    holds(layer, "d/f", b"content");
}

fn sees_its_own_changes(layer: &dyn Layer) {
    layer
        .batch(&mut |layer| {
            write(layer, "f", 0, b"C");
            holds(layer, "f", b"Content");
            unlink(layer, "f")?;
            absent(layer, "f");
            Ok(())
        })
        .unwrap();
}

fn returns_the_error_as_it_is(layer: &dyn Layer) {
    fails(layer.batch(&mut |_| Err(Errno::EDQUOT.into())), Errno::EDQUOT);
    fails(layer.batch(&mut |layer| unlink(layer, "d")), Errno::EISDIR);
}

fn failure_undoes_everything(layer: &dyn Layer) {
    let before = (stat(layer, ""), stat(layer, "f"), stat(layer, "d"));
    let failed = layer.batch(&mut |layer| {
        file(layer, "new", b"n");
        dir(layer, "d/sub");
        unlink(layer, "f")?;
        unlink(layer, "d/g")?;
        Err(Errno::EIO.into())
    });
    fails(failed, Errno::EIO);
    assert_eq!((stat(layer, ""), stat(layer, "f"), stat(layer, "d")), before);
    assert_eq!(list(layer, ""), ["d", "f"]);
    assert_eq!(list(layer, "d"), ["g"]);
    holds(layer, "f", b"content");
}

fn failure_undoes_content(layer: &dyn Layer) {
    let failed = layer.batch(&mut |layer| {
        write(layer, "f", 3, &pattern(200_000));
        truncate(layer, "d/g", 1);
        Err(Errno::EIO.into())
    });
    fails(failed, Errno::EIO);
    holds(layer, "f", b"content");
    holds(layer, "d/g", b"below");
}

fn failure_undoes_renames_of_directories(layer: &dyn Layer) {
    let failed = layer.batch(&mut |layer| {
        rename(layer, "d", "e")?;
        file(layer, "e/h", b"h");
        Err(Errno::EIO.into())
    });
    fails(failed, Errno::EIO);
    absent(layer, "e");
    assert_eq!(list(layer, "d"), ["g"]);
}

fn handled_errors_undo_nothing(layer: &dyn Layer) {
    layer
        .batch(&mut |layer| {
            file(layer, "new", b"n");
            fails(rename_as(layer, "new", "d", RenameMode::Replace), Errno::EISDIR);
            Ok(())
        })
        .unwrap();
    holds(layer, "new", b"n");
}

fn nested_failure_undoes_its_own_part(layer: &dyn Layer) {
    layer
        .batch(&mut |layer| {
            file(layer, "outer", b"o");
            let inner = layer.batch(&mut |layer| {
                file(layer, "inner", b"i");
                unlink(layer, "outer")?;
                Err(Errno::EIO.into())
            });
            fails(inner, Errno::EIO);
            file(layer, "after", b"a");
            Ok(())
        })
        .unwrap();
    assert_eq!(list(layer, ""), ["after", "d", "f", "outer"]);
}

fn outer_failure_undoes_the_nested(layer: &dyn Layer) {
    let failed = layer.batch(&mut |layer| {
        layer.batch(&mut |layer| unlink(layer, "f"))?;
        Err(Errno::EIO.into())
    });
    fails(failed, Errno::EIO);
    holds(layer, "f", b"content");
}

fn layer_works_after_a_failure(layer: &dyn Layer) {
    fails(layer.batch(&mut |_| Err(Errno::EIO.into())), Errno::EIO);
    file(layer, "new", b"n");
    layer.batch(&mut |layer| unlink(layer, "f")).unwrap();
    assert_eq!(list(layer, ""), ["d", "new"]);
}

fn numbers_stay_unique_after_a_failure(layer: &dyn Layer) {
    let failed = layer.batch(&mut |layer| {
        file(layer, "ghost", b"g");
        Err(Errno::EIO.into())
    });
    fails(failed, Errno::EIO);
    let made = ["x", "y"].map(|path| file(layer, path, b"").ino);
    let all = ["", "d", "d/g", "f"].map(|path| ino(layer, path));
    assert!(made[0] != made[1] && !all.contains(&made[0]) && !all.contains(&made[1]));
}
