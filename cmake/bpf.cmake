# SPDX-License-Identifier: GPL-2.0-or-later
# NAME.bpf.c -> clang -> bpftool gen object -> trim_object -> gen skeleton, with the headers tracked.

find_program(SONDE_BPF_CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 REQUIRED)
find_program(SONDE_BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(SONDE_BPF_ARCH arm64)
else()
  set(SONDE_BPF_ARCH x86)
endif()

# -mcpu=v3, never v4: 5.10 does not know the instructions of v4.
set(SONDE_BPF_FLAGS -target bpf -mcpu=v3 -g -O2 -Wall -Wextra -Wno-unused-parameter
                    -I${PROJECT_SOURCE_DIR}/vmlinux -I${PROJECT_SOURCE_DIR}/bpf)
if(SONDE_WERROR)
  list(APPEND SONDE_BPF_FLAGS -Werror)
endif()

option(SONDE_BPF_LINES "Keep the source lines in BPF objects, for the verifier's log" OFF)

# Of the core, only what it needs: a change elsewhere there is none of the objects.
add_executable(trim_object src/trim/main.cpp src/trim/object.cpp src/trim/btf.cpp src/core/btf.cpp)
target_link_libraries(trim_object PRIVATE sonde_flags)

# Compiles bpf/NAME.bpf.c for `arch` into OUT.
function(sonde_bpf_object name arch out)
  set(source ${PROJECT_SOURCE_DIR}/bpf/${name}.bpf.c)
  set(raw ${CMAKE_CURRENT_BINARY_DIR}/bpf/${name}.${arch}.raw.o)
  set(linked ${CMAKE_CURRENT_BINARY_DIR}/bpf/${name}.${arch}.linked.o)
  add_custom_command(
    OUTPUT ${linked}
    COMMAND ${SONDE_BPF_CLANG} ${SONDE_BPF_FLAGS} -D__TARGET_ARCH_${arch} -MD -MF ${raw}.d -MT ${linked} -c ${source} -o ${raw}
    COMMAND ${SONDE_BPFTOOL} gen object ${linked} ${raw}
    DEPENDS ${source}
    DEPFILE ${raw}.d
    COMMENT "BPF ${name} (${arch})"
    VERBATIM)
  if(SONDE_BPF_LINES)
    set(trim ${CMAKE_COMMAND} -E copy)
  else()
    set(trim trim_object)
  endif()
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${trim} ${linked} ${out}
    DEPENDS ${linked}
    COMMENT "BPF ${name} (${arch}), trimmed"
    VERBATIM)
endfunction()

# Target bpf_NAME: an interface library with the generated skeleton NAME.skel.h. Its object for the other architecture is
# made too, by the target bpf_all_architectures.
function(sonde_bpf name)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/bpf)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/bpf/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/bpf/${name}.skel.h)
  sonde_bpf_object(${name} ${SONDE_BPF_ARCH} ${object})
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND sh -c "'${SONDE_BPFTOOL}' gen skeleton '${object}' name ${name}_bpf > '${skeleton}'"
    DEPENDS ${object}
    VERBATIM)
  add_custom_target(bpf_${name}_skeleton DEPENDS ${skeleton})
  add_library(bpf_${name} INTERFACE)
  target_include_directories(bpf_${name} SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/bpf)
  target_include_directories(bpf_${name} INTERFACE ${PROJECT_SOURCE_DIR}/bpf)
  add_dependencies(bpf_${name} bpf_${name}_skeleton)

  if(NOT TARGET bpf_all_architectures)
    add_custom_target(bpf_objects)
    add_custom_target(bpf_all_architectures)
  endif()
  add_dependencies(bpf_objects bpf_${name}_skeleton)
  foreach(arch x86 arm64)
    if(NOT arch STREQUAL SONDE_BPF_ARCH)
      set(other ${CMAKE_CURRENT_BINARY_DIR}/bpf/${name}.${arch}.bpf.o)
      sonde_bpf_object(${name} ${arch} ${other})
      add_custom_target(bpf_${name}_${arch} DEPENDS ${other})
      add_dependencies(bpf_all_architectures bpf_${name}_${arch})
    endif()
  endforeach()
endfunction()
