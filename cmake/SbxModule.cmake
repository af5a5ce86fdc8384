# A module is a folder.  Others see its headers only if they name it in USES,
# because USES is PRIVATE: what a module uses is its own business.
function(sbx_module name)
  cmake_parse_arguments(M "" "" "SOURCES;USES" ${ARGN})
  add_library(${name} STATIC ${M_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${M_USES})
endfunction()
set_property(GLOBAL PROPERTY GLOBAL_DEPENDS_NO_CYCLES ON)
