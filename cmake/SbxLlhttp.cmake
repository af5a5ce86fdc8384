# llhttp: libllhttp-dev where the distribution has it, else the generated C
# sources that Debian 12 ships in node-llhttp, built here.  Strict mode is not
# optional: without it this version lets smuggling inputs pass
# (CVE-2023-30589, CVE-2025-23167, a space before the colon).  The definition
# is PUBLIC so that every unit that includes the header agrees with the parser.
find_path(LLHTTP_INCLUDE_DIR llhttp.h
  PATHS /usr/include /usr/share/include/llhttp REQUIRED)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)
find_library(LLHTTP_LIBRARY llhttp)

if(LLHTTP_SOURCE_DIR)
  add_library(llhttp STATIC ${LLHTTP_SOURCE_DIR}/llhttp.c
    ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/api.c)
  target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
  target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
  target_compile_options(llhttp PRIVATE -w)
elseif(LLHTTP_LIBRARY)
  add_library(llhttp INTERFACE)
  target_include_directories(llhttp SYSTEM INTERFACE ${LLHTTP_INCLUDE_DIR})
  target_link_libraries(llhttp INTERFACE ${LLHTTP_LIBRARY})
else()
  message(FATAL_ERROR "llhttp not found: install node-llhttp (Debian 12) "
    "or libllhttp-dev")
endif()
