;; A guest as a linker makes it: a core module whose exports are those of the contract, by the Canonical ABI. What stands
;; in braces is put in by whoever makes a guest of it.
(module
  (import "longshore:operation/s3@0.1.0" "[resource-drop]object" (func $drop_object (param i32)))
  (import "longshore:operation/host@0.1.0" "[resource-drop]task" (func $drop_task (param i32)))
  {{imports}}
  (memory (export "memory") {{pages}})
  (data (i32.const 1024) "{{name}}")
  (data (i32.const 2048) "0.1.0")
  (data (i32.const 2064) "{}")
  (data (i32.const 2080) "*")
  (data (i32.const 2096) "\20\08\00\00\01\00\00\00")
  ;; description: name, version, summary, parameters, actions; pointer and length of each
  (data (i32.const 3072) "\00\04\00\00{{name_bytes}}\00\08\00\00\05\00\00\00\00\00\00\00\00\00\00\00"
      "\10\08\00\00\02\00\00\00\30\08\00\00\01\00\00\00")
  (global $heap (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param $old i32) (param $old_bytes i32) (param $align i32) (param $bytes i32) (result i32)
    {{realloc}}
    (global.get $heap)
    (global.set $heap
      (i32.and (i32.add (i32.add (global.get $heap) (local.get $bytes)) (i32.const 7)) (i32.const -8))))
  {{extra}}
  (func (export "describe") (result i32)
    {{describe}}
    (i32.const 3072))
  ;; Its result, at 768, is ok.
  (func (export "configure") (param $text i32) (param $bytes i32) (result i32)
    {{configure}}
    (i32.const 768))
  ;; Its result, at 768, is an empty list.
  (func (export "plan") (param $object i32) (param $task i32) (result i32)
    {{plan}}
    (call $drop_object (local.get $object))
    (call $drop_task (local.get $task))
    (i32.const 768))
  ;; Its result is at 512: the result's case, at 516 the outcome's, at 520 its payload. All are 0 at first: done(none).
  (func (export "run") (param $object i32) (param $task i32) (result i32)
    {{run}}
    (call $drop_object (local.get $object))
    (call $drop_task (local.get $task))
    (i32.const 512)))
