//! Building the isolate: everything the zygote does with it before the first fork.

use std::borrow::Cow;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;

use cowry_vfs::SystemClock;
use deno_core::{
    CustomModuleEvaluationKind, Extension, FastString, JsRuntime, ModuleSourceCode, ModuleType,
    RuntimeOptions, v8,
};
use deno_error::JsErrorBox;
use deno_web::{BlobStore, InMemoryBroadcastChannel};

use super::warm::warm;
use super::{Hooks, Isolate};
use crate::module::Loader;
use crate::{engine, js, ops};

pub(super) fn boot() -> Isolate {
    engine::configure_process();
    // The engine wants a runtime entered while it is built. This one has no I/O, so that forks share no descriptor
    // of it; each makes its own.
    let context = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let context = ManuallyDrop::new(context.expect("a runtime without I/O needs nothing of the host"));
    let entered = context.enter();

    let loader = Rc::new(Loader::default());
    let mut js = JsRuntime::new(RuntimeOptions {
        module_loader: Some(loader.clone()),
        extensions: extensions(),
        create_params: engine::create_params(),
        custom_module_evaluation_cb: Some(Box::new(evaluate)),
        ..RuntimeOptions::default()
    });
    js.v8_isolate().set_allow_atomics_wait(false);
    furnish(&mut js, &loader);
    let hooks = bootstrap(&mut js);
    drop(entered);
    let mut isolate =
        Isolate { js, hooks, loader, interrupts: Arc::default(), memory_limit: None, entered: false };
    warm(&mut isolate, &context);
    engine::collect_garbage(&mut isolate.js);
    engine::hold_back_collector(&mut isolate.js);
    isolate
}

/// A module of a type that is not the engine's: rows of data, which the loader has made a program of that reads them.
fn evaluate(
    scope: &mut v8::PinScope<'_, '_>,
    _: Cow<'_, str>,
    _: &FastString,
    code: ModuleSourceCode,
) -> Result<CustomModuleEvaluationKind, JsErrorBox> {
    let ModuleSourceCode::String(code) = code else {
        return Err(JsErrorBox::type_error("a module of rows is text"));
    };
    // The engine wants a second module beside it, under a type that nobody asks for.
    let nothing = v8::undefined(scope);
    let nothing = v8::Local::<v8::Value>::from(nothing);
    let beside = ModuleType::Other("cowry".into());
    Ok(CustomModuleEvaluationKind::ComputedAndSynthetic(code, v8::Global::new(scope, nothing), beside))
}

/// What operations need while the bootstrap tries everything out.
fn furnish(js: &mut JsRuntime, loader: &Rc<Loader>) {
    let state = js.op_state();
    let mut state = state.borrow_mut();
    state.put(loader.clone());
    state.put(ops::Random::new([0; 32]));
    state.put(ops::Epoch::new(Arc::new(SystemClock)));
    state.put(ops::Files::default());
    state.put(ops::Readers::default());
    state.put(ops::Savepoints::default());
    state.put(ops::Trees::default());
}

fn extensions() -> Vec<Extension> {
    let blobs = Arc::new(BlobStore::default());
    let mut web = deno_web::deno_web::init(blobs, None, false, InMemoryBroadcastChannel::default());
    web.middleware_fn = Some(Box::new(ops::replace));
    let ours = Extension {
        name: "cowry",
        ops: Cow::Owned(ops::all()),
        lazy_loaded_js_files: Cow::Owned(js::scripts()),
        synthetic_esm_modules: Cow::Borrowed(js::BUILTIN_MODULES),
        ..Extension::default()
    };
    [deno_webidl::deno_webidl::init(), web, ours].map(crate::embedded::embed).into()
}

/// Runs the bootstrap scripts, which end by taking away what they used.
fn bootstrap(js: &mut JsRuntime) -> Hooks {
    let hooks = js
        .execute_script("ext:cowry/boot", "__bootstrap.core.loadExtScript('ext:cowry/main.js')")
        .unwrap_or_else(|error| panic!("the bootstrap is part of this program: {}", error.exception_message));
    deno_core::scope!(scope, js);
    let hooks = v8::Local::new(scope, hooks);
    let hooks = hooks.to_object(scope).expect("the bootstrap answers with an object");
    let hook = |name: &str| {
        let key = v8::String::new(scope, name).expect("a short string");
        let value = hooks.get(scope, key.into()).expect("a plain property");
        let function = v8::Local::<v8::Function>::try_from(value).expect("every hook is a function");
        v8::Global::new(scope, function)
    };
    Hooks {
        adopt: hook("adopt"),
        forget: hook("forget"),
        start: hook("start"),
        before_exit: hook("beforeExit"),
        end_timers: hook("endTimers"),
        exit: hook("exit"),
        members: hook("members"),
    }
}

/// Calls a hook without arguments and drops what it answers.
pub(super) fn call(js: &mut JsRuntime, hook: &v8::Global<v8::Function>) -> Option<v8::Global<v8::Value>> {
    deno_core::scope!(scope, js);
    v8::tc_scope!(let scope, scope);
    let hook = v8::Local::new(scope, hook);
    let this = v8::undefined(scope).into();
    let answer = hook.call(scope, this, &[])?;
    Some(v8::Global::new(scope, answer))
}
