# What runs the tests that are programs in Python.  Debian's python3 before any
# other: it is the one that Debian's pytest and cryptography belong to.  Those
# two are not asked for: to build takes no more than "deps --build-only".
find_program(SBX_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(SBX_PYTHON python3 REQUIRED)

# sbx_unit_test(NAME SOURCES ... USES ...): one cmocka binary, one ctest entry
# labelled unit.  The link line is the proof of a module's purity.
function(sbx_unit_test name)
  cmake_parse_arguments(T "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${T_USES} PkgConfig::cmocka)
  add_test(NAME ${name} COMMAND ${name}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/tests)
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 600)
endfunction()

# sbx_fuzz_target(INPUT USES ...): tests/fuzz/fuzz_INPUT.c and its corpus in
# tests/fuzz/corpus/INPUT.  With SBX_FUZZ a libFuzzer binary; always a replay
# binary, which makes the corpus an ordinary test under any compiler.
function(sbx_fuzz_target input)
  cmake_parse_arguments(F "" "" "USES" ${ARGN})
  set(dir ${CMAKE_SOURCE_DIR}/tests/fuzz)
  if(SBX_FUZZ)
    add_executable(fuzz_${input} ${dir}/fuzz_${input}.c)
    target_link_options(fuzz_${input} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz_${input} PRIVATE ${F_USES})
    set_target_properties(fuzz_${input} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  endif()
  add_executable(replay_${input} ${dir}/fuzz_${input}.c ${dir}/replay.c)
  target_link_libraries(replay_${input} PRIVATE ${F_USES})
  set_target_properties(replay_${input} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME replay_${input}
    COMMAND replay_${input} ${dir}/corpus/${input})
  set_tests_properties(replay_${input} PROPERTIES LABELS fuzz TIMEOUT 600)
endfunction()
