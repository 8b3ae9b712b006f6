// SPDX-License-Identifier: Apache-2.0
#include "workshop.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "cfs/base/fd.hpp"
#include "cfs/base/file.hpp"

namespace cfs::test {

bool full_run() {
  return std::getenv("CFS_FULL") != nullptr;
}

namespace {

constexpr unsigned long block_size = 4096;

// Bytes that look random, the same on every run.
std::string noise(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  unsigned state = seed;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace

Outcome run(const std::vector<std::string>& command) {
  // Files in memory rather than pipes: however much the program says, it never waits for us.
  const Fd output(::memfd_create("output", MFD_CLOEXEC));
  const Fd errors(::memfd_create("errors", MFD_CLOEXEC));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, errors.get(), 2);
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0 || ::waitpid(child, &status, 0) != child) {
    throw std::runtime_error("cannot run " + command.at(0));
  }
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .output = read_all(output, SIZE_MAX).value(),
          .errors = read_all(errors, SIZE_MAX).value()};
}

std::string must(const std::vector<std::string>& command) {
  Outcome outcome = run(command);
  if (outcome.status != 0) {
    std::string words;
    for (const std::string& word : command) {
      words += word + ' ';
    }
    throw std::runtime_error(words + "failed: " + outcome.output + outcome.errors);
  }
  if (outcome.output.ends_with('\n')) {
    outcome.output.pop_back();
  }
  return outcome.output;
}

Outcome run_in(const std::filesystem::path& root, const std::vector<std::string>& command) {
  constexpr auto script = R"(cd "$1"
shift
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
exec chroot . "$@"
)";
  std::vector<std::string> words{"unshare", "--mount", "sh", "-ec", script, "sh", root};
  words.insert(words.end(), command.begin(), command.end());
  return run(words);
}

std::string cfs_sign(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), cfs_sign_program);
  return must(arguments);
}

void install(const std::string& component, const std::filesystem::path& root) {
  must({"env", "DESTDIR=" + root.string(), "cmake", "--install", CFS_PROGRAMS, "--prefix", "/usr",
        "--component", component});
}

std::string mkcomposefs() {
  static const std::string program = must({CFS_SOURCE "/qemu/debian-mkcomposefs"});
  return program;
}

void write(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

void make_small_root(const std::filesystem::path& root, std::string_view release) {
  for (const char* directory : {"dev", "proc", "sys", "run", "usr", "etc", "var", "sbin", "data"}) {
    std::filesystem::create_directories(root / directory);
  }
  std::filesystem::copy_file(CFS_GUEST, root / "sbin/init");
  write(root / "etc/release", release);
  write(root / "etc/os-release", "ID=small\n");  // systemd enters no root without one
  write(root / "etc/machine-id", "");
  write(root / "etc/large", noise(5000, static_cast<unsigned>(release.size())));
  write(root / "etc/removed", "by the guest program");
  write(root / "var/seed", "from the image");
  write(root / "data/large", noise(3000000, 1));
  write(root / "data/other", noise(200000, 2));
  write(root / "data/third", noise(200000, 3));
  write(root / "data/inline", "short enough to lie in the image");
}

std::string add_image(const std::filesystem::path& store, const std::filesystem::path& root,
                      const std::string& manifest_name, const std::filesystem::path& key,
                      const std::vector<std::string>& manifest_options,
                      const std::vector<std::string>& compose_options) {
  std::vector<std::string> compose{"compose", "--store", store, root};
  compose.insert(compose.end(), compose_options.begin(), compose_options.end());
  const std::string digest = cfs_sign(compose);
  std::vector<std::string> manifest{"manifest",    "--store", store,        "--version",
                                    manifest_name, "--name",  manifest_name};
  manifest.insert(manifest.end(), manifest_options.begin(), manifest_options.end());
  for (const auto& [option, value] :
       {std::pair("--image-id", "demo"), std::pair("--security-version", "1")}) {
    if (std::find(manifest.begin(), manifest.end(), option) == manifest.end()) {
      manifest.insert(manifest.end(), {option, value});
    }
  }
  manifest.push_back(digest);
  cfs_sign({"sign", "--key", key, cfs_sign(manifest)});
  return digest;
}

void StoreFileSystem::edit(const std::string& command) const {
  // debugfs reports failure only in words, after the line with its version.
  const Outcome outcome = run({"debugfs", "-w", "-R", command, image_});
  if (outcome.status != 0 || outcome.errors.find('\n') + 1 != outcome.errors.size()) {
    throw std::runtime_error("debugfs " + command + ": " + outcome.errors);
  }
}

void StoreFileSystem::leave_journal(std::string_view first_blocks) const {
  const TempDirectory directory;
  const std::string blocks = directory.write("blocks", first_blocks);
  const std::string last = std::to_string(first_blocks.size() / block_size - 1);
  const std::string commands =
      directory.write("commands", "jo -c\njw -b 0-" + last + ' ' + blocks + "\njc\n");
  must({"debugfs", "-w", "-f", commands, image_});
}

unsigned long StoreFileSystem::position(const std::string& path, unsigned long offset) const {
  const std::string command = "bmap " + path + ' ' + std::to_string(offset / block_size);
  const std::string output = must({"debugfs", "-R", command, image_});
  const unsigned long block = std::strtoul(output.c_str(), nullptr, 10);
  if (block == 0) {
    throw std::runtime_error("debugfs " + command + ": " + output);
  }
  return block * block_size + offset % block_size;
}

void StoreFileSystem::flip_bit(const std::string& path, unsigned long offset) const {
  std::fstream image(image_, std::ios::in | std::ios::out | std::ios::binary);
  const auto at = static_cast<std::streamoff>(position(path, offset));
  image.seekg(at);
  const char flipped = static_cast<char>(image.get() ^ 1);
  image.seekp(at);
  image.put(flipped);
  if (!image.flush()) {
    throw std::runtime_error("cannot change " + image_.string());
  }
}

void StoreFileSystem::overwrite(const std::string& path, std::string_view bytes) const {
  std::fstream image(image_, std::ios::in | std::ios::out | std::ios::binary);
  image.seekp(static_cast<std::streamoff>(position(path, 0)));
  image.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!image.flush()) {
    throw std::runtime_error("cannot change " + image_.string());
  }
}

void StoreFileSystem::replace_by(const std::string& path, const std::string& other) const {
  edit("unlink " + path);
  edit("link " + other + ' ' + path);
}

void StoreFileSystem::replace_by_link(const std::string& path, const std::string& target) const {
  edit("unlink " + path);
  edit("symlink " + path + ' ' + target);
}

void StoreFileSystem::clear_verity(const std::string& path) const {
  edit("set_inode_field " + path + " flags 0x80000");  // EXT4_EXTENTS_FL alone
}

std::string verity_digest(const std::filesystem::path& file) {
  return "sha256:" + must({"fsverity", "digest", "--compact", file});
}

std::string object_path(std::string_view digest) {
  const std::string_view hex = digest.substr(digest.find(':') + 1);
  return "composefs/objects/" + std::string(hex.substr(0, 2)) + '/' + std::string(hex.substr(2));
}

std::string make_archive(const std::vector<ArchiveFile>& files) {
  std::string archive;
  unsigned inode = 1;
  const auto add = [&](const std::string& path, unsigned mode, std::string_view bytes) {
    std::array<char, 111> header{};
    (void)std::snprintf(header.data(), header.size(),
                        "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", inode++, mode, 0U, 0U,
                        1U, 0U, bytes.size(), 0U, 0U, 0U, 0U, path.size() + 1, 0U);
    archive.append(header.data(), 110).append(path).append(1, '\0');
    archive.resize((archive.size() + 3) & ~std::size_t{3});
    archive.append(bytes);
    archive.resize((archive.size() + 3) & ~std::size_t{3});
  };
  for (const ArchiveFile& file : files) {
    add(file.path, file.mode, file.bytes);
  }
  add("TRAILER!!!", 0, {});
  return archive;
}

}  // namespace cfs::test
