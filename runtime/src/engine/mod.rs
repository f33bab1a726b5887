//! What differs between the two engines, in one place. Nothing outside this folder asks which one it is.

#[cfg(all(feature = "quickjs", feature = "v8"))]
compile_error!("the features `quickjs` and `v8` exclude each other: pass --no-default-features with `v8`");
#[cfg(not(any(feature = "quickjs", feature = "v8")))]
compile_error!("an engine is needed: one of the features `quickjs` (the default) and `v8`");

#[cfg(feature = "quickjs")]
mod quickjs;
#[cfg(feature = "quickjs")]
pub(crate) use quickjs::{
    collect_garbage, configure_process, create_params, fill_gaps, heap_bytes, hold_back_collector,
    set_memory_limit,
};

#[cfg(all(feature = "v8", not(feature = "quickjs")))]
mod v8;
#[cfg(all(feature = "v8", not(feature = "quickjs")))]
pub(crate) use v8::{
    collect_garbage, configure_process, create_params, fill_gaps, heap_bytes, hold_back_collector,
    set_memory_limit,
};

/// What the engine of this build can do. Tests select by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// The engine, as users know it.
    pub name: &'static str,
    /// `Intl` with locales; without it everything but the English of section 5 of the design throws.
    pub intl: bool,
    /// `WebAssembly`.
    pub web_assembly: bool,
    /// Compiles hot code to machine code.
    pub jit: bool,
    /// `ArrayBuffer`s can be transferred by `structuredClone`.
    pub transfer: bool,
}

/// The engine of this build.
#[cfg(feature = "quickjs")]
pub const CAPABILITIES: Capabilities = quickjs::CAPABILITIES;
/// The engine of this build.
#[cfg(all(feature = "v8", not(feature = "quickjs")))]
pub const CAPABILITIES: Capabilities = v8::CAPABILITIES;
