/*
 * Stands in for the WebAssembly interpreter of the QuickJS engine.
 *
 * The engine's V8 interface is linked against WAMR, an interpreter that is built with cmake and fetches sources of
 * its own. Cowry builds with cargo and gcc alone, so `.cargo/config.toml` names an empty archive in place of that
 * library (WAMR_LIB_DIR), and here are the functions it would have had. None of them is ever called: the
 * `WebAssembly` global is not there on this engine (QJS_NO_WASM). Should one be called all the same, going on would
 * mean going on with garbage, so each ends the process and says which it was.
 */
#include <stdio.h>
#include <stdlib.h>

#define NOT_HERE(name)                                                                      \
    void name(void) {                                                                       \
        fputs("cowry: " #name " was called, but there is no WebAssembly on this engine\n", stderr); \
        abort();                                                                            \
    }

/* What the engine adds to the interpreter. */
NOT_HERE(v82jsc_set_mem_grow_cb)
NOT_HERE(v82jsc_wasm_func_index)
NOT_HERE(v82jsc_wasm_func_terminate)
NOT_HERE(v82jsc_wasm_module_error)

/* The interpreter's C interface, as far as the engine uses it. */
NOT_HERE(wasm_byte_vec_delete)
NOT_HERE(wasm_byte_vec_new)
NOT_HERE(wasm_engine_new)
NOT_HERE(wasm_exporttype_name)
NOT_HERE(wasm_exporttype_type)
NOT_HERE(wasm_extern_as_func)
NOT_HERE(wasm_extern_as_global)
NOT_HERE(wasm_extern_as_memory)
NOT_HERE(wasm_extern_as_table)
NOT_HERE(wasm_extern_kind)
NOT_HERE(wasm_externtype_as_functype_const)
NOT_HERE(wasm_externtype_as_globaltype_const)
NOT_HERE(wasm_externtype_kind)
NOT_HERE(wasm_foreign_as_ref)
NOT_HERE(wasm_foreign_new)
NOT_HERE(wasm_foreign_set_host_info_with_finalizer)
NOT_HERE(wasm_frame_func_index)
NOT_HERE(wasm_frame_func_offset)
NOT_HERE(wasm_frame_module_offset)
NOT_HERE(wasm_frame_vec_delete)
NOT_HERE(wasm_func_as_extern)
NOT_HERE(wasm_func_call)
NOT_HERE(wasm_func_new_with_env)
NOT_HERE(wasm_func_type)
NOT_HERE(wasm_functype_params)
NOT_HERE(wasm_functype_results)
NOT_HERE(wasm_global_as_extern)
NOT_HERE(wasm_global_get)
NOT_HERE(wasm_global_new)
NOT_HERE(wasm_global_set)
NOT_HERE(wasm_global_type)
NOT_HERE(wasm_globaltype_content)
NOT_HERE(wasm_globaltype_mutability)
NOT_HERE(wasm_globaltype_new)
NOT_HERE(wasm_importtype_module)
NOT_HERE(wasm_importtype_name)
NOT_HERE(wasm_importtype_type)
NOT_HERE(wasm_instance_exports)
NOT_HERE(wasm_instance_new)
NOT_HERE(wasm_memory_data)
NOT_HERE(wasm_memory_data_size)
NOT_HERE(wasm_memory_grow)
NOT_HERE(wasm_memory_size)
NOT_HERE(wasm_module_exports)
NOT_HERE(wasm_module_imports)
NOT_HERE(wasm_module_new)
NOT_HERE(wasm_module_validate)
NOT_HERE(wasm_ref_get_host_info)
NOT_HERE(wasm_runtime_set_log_level)
NOT_HERE(wasm_store_new)
NOT_HERE(wasm_table_get)
NOT_HERE(wasm_table_grow)
NOT_HERE(wasm_table_set)
NOT_HERE(wasm_table_size)
NOT_HERE(wasm_trap_delete)
NOT_HERE(wasm_trap_message)
NOT_HERE(wasm_trap_new)
NOT_HERE(wasm_trap_trace)
NOT_HERE(wasm_valtype_kind)
NOT_HERE(wasm_valtype_new)
