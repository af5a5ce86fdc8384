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

set(units scripts/systemd)
install(FILES ${units}/sbx-netd.service ${units}/sbx-net-setup.service
  DESTINATION lib/systemd/system)
install(FILES ${units}/sbx-net.sysusers
  DESTINATION lib/sysusers.d RENAME sbx-net.conf)
install(FILES ${units}/sbx-net.tmpfiles
  DESTINATION lib/tmpfiles.d RENAME sbx-net.conf)
install(FILES ${units}/sbx-net.logrotate
  DESTINATION /etc/logrotate.d RENAME sbx-net) # it looks nowhere else

foreach(section 1 5 8)
  file(GLOB pages CONFIGURE_DEPENDS docs/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs
  FILES_MATCHING PATTERN "*.md")
