# Where everything goes.  The units name programs below /usr, so that is the
# prefix unless somebody asks for another.
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
  set(CMAKE_INSTALL_PREFIX /usr CACHE PATH "Where to install" FORCE)
endif()
include(GNUInstallDirs)

install(TARGETS sbx-netd DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS sbx-netctl sbx-netlog DESTINATION ${CMAKE_INSTALL_BINDIR})

# sbx-net-setup looks in share/sbx-net beside the folder that it is in.
install(PROGRAMS scripts/sbx-net-setup DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(FILES scripts/sbx-net-doctor.sh nft/sbx-net.nft
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sbx-net)
install(FILES policy/sbx-net.schema.json policy/sbx-netd.schema.json
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sbx-net)
install(DIRECTORY policy/examples policy/presets
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sbx-net)
install(DIRECTORY scripts/attach
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sbx-net USE_SOURCE_PERMISSIONS)

set(units scripts/systemd)
install(FILES ${units}/sbx-netd.service ${units}/sbx-net-setup.service
  DESTINATION lib/systemd/system)
install(FILES ${units}/sbx-net.sysusers
  DESTINATION lib/sysusers.d RENAME sbx-net.conf)
install(FILES ${units}/sbx-net.tmpfiles
  DESTINATION lib/tmpfiles.d RENAME sbx-net.conf)
install(FILES ${units}/sbx-net.logrotate
  DESTINATION /etc/logrotate.d RENAME sbx-net) # it looks nowhere else

# What a shell completes our commands by; each looks for it by the command.
set(completions ${CMAKE_BINARY_DIR}/completions)
file(MAKE_DIRECTORY ${completions})
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${completions}/sbx-net.${shell}
    COMMAND sbx-netctl completion ${shell} > ${completions}/sbx-net.${shell}
    DEPENDS sbx-netctl VERBATIM)
  list(APPEND scripts ${completions}/sbx-net.${shell})
endforeach()
add_custom_target(completions ALL DEPENDS ${scripts})
foreach(program sbx-netctl sbx-netd sbx-netlog)
  install(FILES ${completions}/sbx-net.bash RENAME ${program}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${completions}/sbx-net.fish RENAME ${program}.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endforeach()
install(FILES ${completions}/sbx-net.zsh RENAME _sbx-netctl
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)

foreach(section 1 8)
  file(GLOB pages CONFIGURE_DEPENDS docs/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# sbx_file_page(NAME DOCUMENT ABOUT SEE-ALSO...): section 5, out of docs/.
function(sbx_file_page name document about)
  set(page ${CMAKE_BINARY_DIR}/man/${name}.5)
  set(source ${CMAKE_SOURCE_DIR}/docs/${document})
  set(script ${CMAKE_SOURCE_DIR}/scripts/manpage)
  add_custom_command(OUTPUT ${page} VERBATIM
    COMMAND ${SBX_PYTHON} ${script} ${name} 5 ${about} ${source} ${ARGN} > ${page}
    DEPENDS ${source} ${script})
  add_custom_target(page_${name} ALL DEPENDS ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
endfunction()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)
sbx_file_page(sbx-net-policy policy.md
  "what a sandbox may reach, and which credential goes where"
  sbx-netd\(8\) sbx-netctl\(1\) sbx-netd.yaml\(5\))
sbx_file_page(sbx-netd.yaml settings.md "settings of sbx-netd"
  sbx-netd\(8\) sbx-net-policy\(5\))
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs
  FILES_MATCHING PATTERN "*.md")
