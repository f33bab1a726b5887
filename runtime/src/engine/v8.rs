//! V8.

use std::ffi::c_void;

use deno_core::{JsRuntime, v8};

use super::Capabilities;

pub(super) const CAPABILITIES: Capabilities =
    Capabilities { name: "v8", intl: true, web_assembly: true, jit: true, transfer: true };

/// Sets what has to stand before the first isolate.
pub(crate) fn configure_process() {
    // SAFETY: the zygote has one thread when it boots its isolate. Dates are in UTC, wherever the host is.
    unsafe { std::env::set_var("TZ", "UTC") };
    // Helper threads would not survive the fork.
    deno_core::v8_set_flags(vec![String::new(), "--single-threaded".into()]);
    JsRuntime::init_platform(Some(v8::new_single_threaded_default_platform(false).make_shared()));
}

/// Parameters of the isolate.
pub(crate) fn create_params() -> Option<v8::CreateParams> {
    None
}

/// Limits what the heap may hold from now on.
pub(crate) fn set_memory_limit(js: &mut JsRuntime, bytes: usize) {
    extern "C" fn never(_: *mut c_void, current: usize, _: usize) -> usize {
        current
    }
    js.v8_isolate().remove_near_heap_limit_callback(never, bytes);
}

/// Bytes the heap holds, array buffers included.
pub(crate) fn heap_bytes(js: &mut JsRuntime) -> u64 {
    let statistics = js.v8_isolate().get_heap_statistics();
    (statistics.used_heap_size() + statistics.external_memory()) as u64
}

/// Frees every unreachable object.
pub(crate) fn collect_garbage(js: &mut JsRuntime) {
    js.v8_isolate().low_memory_notification();
}

/// V8 packs its heap by itself.
pub(crate) fn fill_gaps(_: &mut JsRuntime, _: usize) {}

/// Keeps the collector from running early; V8's own schedule does.
pub(crate) fn hold_back_collector(_: &mut JsRuntime) {}
