# Every foreign library, by one name each: PkgConfig::NAME, or llhttp.
find_package(PkgConfig REQUIRED)
foreach(pair
    "yaml yaml-0.1" "ssl libssl" "crypto libcrypto" "mnl libmnl"
    "nftnl libnftnl" "ldns ldns" "idn2 libidn2" "psl libpsl"
    "jansson jansson" "nghttp2 libnghttp2" "seccomp libseccomp" "capng libcap-ng" "cmocka cmocka"
    "systemd libsystemd" "curl libcurl")
  string(REPLACE " " ";" pair "${pair}")
  list(GET pair 0 name)
  list(GET pair 1 package)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${package})
endforeach()

# libev ships no .pc file on Debian.
find_path(EV_INCLUDE_DIR ev.h REQUIRED)
find_library(EV_LIBRARY ev REQUIRED)
add_library(ev INTERFACE)
target_include_directories(ev SYSTEM INTERFACE ${EV_INCLUDE_DIR})
target_link_libraries(ev INTERFACE ${EV_LIBRARY} m)

include(SbxLlhttp)
