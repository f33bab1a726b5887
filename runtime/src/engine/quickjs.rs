//! QuickJS-ng behind the V8 API.

use std::ffi::c_void;

use deno_core::{JsRuntime, v8};

use super::Capabilities;

pub(super) const CAPABILITIES: Capabilities =
    Capabilities { name: "quickjs", intl: false, web_assembly: false, jit: false, transfer: false };

/// Cyclic garbage a sandbox may gather before the collector runs in it: a collection writes to every object and so
/// makes the whole heap private that was shared with the zygote until then.
const COLLECTOR_SLACK_BYTES: usize = 16 << 20;

/// The part of the main thread's 8 MiB stack that JavaScript may use; the rest is for what an operation calls.
const STACK_KIB: usize = 3 << 10;

/// Blocks from this size on come from the allocator one by one; smaller ones are packed by size.
const LARGE: usize = 512;

unsafe extern "C" {
    fn JS_GetRuntime(context: *mut c_void) -> *mut c_void;
    fn JS_RunGC(runtime: *mut c_void);
    fn JS_SetGCThreshold(runtime: *mut c_void, bytes: usize);
    fn js_malloc_rt(runtime: *mut c_void, bytes: usize) -> *mut c_void;
    fn v82jsc_malloc_size(runtime: *mut c_void) -> usize;
}

/// Sets what has to stand before the first isolate: no bytecode cache on disk, no WebAssembly, the stack's bound.
pub(crate) fn configure_process() {
    // SAFETY: the zygote has one thread when it boots its isolate.
    unsafe {
        std::env::set_var("V82JSC_NO_BC_CACHE", "1");
        std::env::set_var("QJS_NO_WASM", "1");
        // Dates are in UTC, wherever the host is.
        std::env::set_var("TZ", "UTC");
    }
    deno_core::v8_set_flags(vec![String::new(), format!("--stack-size={STACK_KIB}")]);
}

/// Parameters of the isolate; the heap limit comes after the fork.
pub(crate) fn create_params() -> Option<v8::CreateParams> {
    None
}

/// Limits what the heap may hold from now on; past it execution is terminated.
pub(crate) fn set_memory_limit(js: &mut JsRuntime, bytes: usize) {
    extern "C" fn never(_: *mut c_void, current: usize, _: usize) -> usize {
        current
    }
    // There is no callback to remove: what this call is for is the limit it sets. Without a callback the engine
    // terminates the execution that went over.
    js.v8_isolate().remove_near_heap_limit_callback(never, bytes);
}

/// Bytes the heap holds, array buffers included.
pub(crate) fn heap_bytes(js: &mut JsRuntime) -> u64 {
    let runtime = runtime(js);
    // SAFETY: the runtime lives as long as `js`.
    unsafe { v82jsc_malloc_size(runtime) as u64 }
}

/// Frees every unreachable cycle.
pub(crate) fn collect_garbage(js: &mut JsRuntime) {
    let runtime = runtime(js);
    // SAFETY: the runtime lives as long as `js`, and no JavaScript is running: `js` is borrowed.
    unsafe { JS_RunGC(runtime) }
}

/// Keeps the collector from running before a good deal has been allocated on top of what is there.
pub(crate) fn hold_back_collector(js: &mut JsRuntime) {
    let threshold = heap_bytes(js) as usize + COLLECTOR_SLACK_BYTES;
    let runtime = runtime(js);
    // SAFETY: as above.
    unsafe { JS_SetGCThreshold(runtime, threshold) }
}

/// Uses up the free memory between the objects of the heap, for good: see [`crate::sys::fill_gaps`], which has to be
/// called before, and tells where the gaps end.
pub(crate) fn fill_gaps(js: &mut JsRuntime, end: usize) {
    let runtime = runtime(js);
    for bytes in (8..LARGE).step_by(8) {
        // SAFETY: the runtime lives as long as `js`; what is allocated belongs to nobody and is never used.
        while let block = unsafe { js_malloc_rt(runtime, bytes) }
            && !block.is_null()
            && block.addr() < end
        {}
    }
}

/// The `JSRuntime` below. A context handle of this engine points to a tagged value whose first word is its
/// `JSContext`.
fn runtime(js: &mut JsRuntime) -> *mut c_void {
    deno_core::scope!(scope, js);
    let context = scope.get_current_context();
    let slot: *const v8::Context = &*context;
    // SAFETY: the handle is live, and its layout is that of the pinned version of the engine.
    unsafe { JS_GetRuntime(*slot.cast::<*mut c_void>()) }
}
