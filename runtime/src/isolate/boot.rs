//! Building the isolate: everything the zygote does with it before the first fork.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;

use cowry_vfs::SystemClock;
use deno_core::{CustomModuleEvaluationKind, Extension, JsRuntime, ModuleSourceCode, RuntimeOptions, v8};
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
    let rows_of = RowsOf::default();
    let reading = rows_of.clone();
    let mut js = JsRuntime::new(RuntimeOptions {
        module_loader: Some(loader.clone()),
        extensions: extensions(),
        create_params: engine::create_params(),
        custom_module_evaluation_cb: Some(Box::new(move |scope, _, _, asked| {
            evaluate(scope, &reading, &asked).map(CustomModuleEvaluationKind::Synthetic)
        })),
        ..RuntimeOptions::default()
    });
    js.v8_isolate().set_allow_atomics_wait(false);
    furnish(&mut js, &loader);
    let hooks = bootstrap(&mut js, &rows_of);
    drop(entered);
    let mut isolate =
        Isolate { js, hooks, loader, interrupts: Arc::default(), memory_limit: None, entered: false };
    warm(&mut isolate, &context);
    engine::collect_garbage(&mut isolate.js);
    engine::hold_back_collector(&mut isolate.js);
    isolate
}

/// The bootstrap's function that reads rows, once there is one.
type RowsOf = Rc<OnceCell<v8::Global<v8::Function>>>;

/// A module of a type that is not the engine's: rows of data. The loader has said which.
fn evaluate(
    scope: &mut v8::PinScope<'_, '_>,
    rows_of: &RowsOf,
    asked: &ModuleSourceCode,
) -> Result<v8::Global<v8::Value>, JsErrorBox> {
    let stopped = || JsErrorBox::generic("reading the rows was interrupted");
    let ModuleSourceCode::String(asked) = asked else { return Err(stopped()) };
    v8::tc_scope!(let scope, scope);
    let rows_of = v8::Local::new(scope, rows_of.get().ok_or_else(stopped)?);
    let asked = v8::String::new(scope, asked.as_str()).ok_or_else(stopped)?;
    let this = v8::undefined(scope).into();
    let rows = rows_of.call(scope, this, &[asked.into()]).ok_or_else(stopped)?;
    if rows.is_string() {
        let fault = rows.to_rust_string_lossy(scope);
        let (name, message) = fault.split_once('\n').unwrap_or(("Error", &fault));
        let class = ["SyntaxError", "TypeError", "RangeError"].into_iter().find(|class| *class == name);
        return Err(JsErrorBox::new(class.unwrap_or("Error"), message.to_owned()));
    }
    Ok(v8::Global::new(scope, rows))
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
    state.put(ops::Replacements::default());
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
fn bootstrap(js: &mut JsRuntime, rows_of: &RowsOf) -> Hooks {
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
    rows_of.set(hook("rowsOf")).expect("it is set once");
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
