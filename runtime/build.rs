//! Builds the symbols that stand in for the WebAssembly interpreter.

fn main() {
    println!("cargo:rerun-if-changed=native/nowasm.c");
    if std::env::var_os("CARGO_FEATURE_QUICKJS").is_some() {
        cc::Build::new().file("native/nowasm.c").compile("cowry_nowasm");
    }
}
