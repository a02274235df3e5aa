// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/folded.h"

#include <sys/mman.h>
#include <unistd.h>

#include "core/flamegraph.h"
#include "require.h"
#include "targets.h"

namespace sonde::fuzz {
namespace {

// What was written, through a file in memory.
class Text {
 public:
  ~Text() { close(fd_); }
  std::string text() {
    out.flush();
    std::string all(static_cast<std::size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    require(pread(fd_, all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()));
    return all;
  }

 private:
  int fd_ = memfd_create("fuzz", MFD_CLOEXEC);

 public:
  Output out{fd_, "memory"};
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; ++at) ++found;
  return found;
}

StackTree tree_of(std::string_view text, const StackTree::Amounts& total) {
  StackTree tree;
  FoldedReader reader(tree);
  reader.take(text);
  reader.end();
  require(reader.refused() == 0 && tree.total() == total);
  return tree;
}

// Written, read and written: what is escaped by then stays as it is.
std::string written_again(const StackTree& tree) {
  Text first, second;
  write_folded(tree, first.out, true);
  write_folded(tree_of(first.text(), tree.total()), second.out, true);
  return second.text();
}

}  // namespace

// No amount is lost, what is written is read the same, and nothing gets out of the data of a picture.
void folded(std::string_view bytes) {
  StackTree tree({.depth = 20, .nodes = 200, .name = 64, .names = 4096});
  FoldedReader reader(tree);
  reader.take(bytes.substr(0, bytes.size() / 2));
  reader.take(bytes.substr(bytes.size() / 2));
  reader.end();
  StackTree::Amounts sum;
  for (const auto& node : tree.preorder()) sum.now += node.own.now;
  require(sum == tree.total());

  const std::string once = written_again(tree);
  require(written_again(tree_of(once, tree.total())) == once);

  Text page, picture;
  GraphHeader header;
  header.title = bytes;
  write_flamegraph(tree, header, PictureKind::html, page.out);
  const std::string html = page.text();
  require(count(html, "<script") == 2 && count(html, "</script") == 2 && count(html, "<!") == 1);
  write_flamegraph(tree, header, PictureKind::svg, picture.out);
  const std::string svg = picture.text();
  require(count(svg, "<script") == 2 && count(svg, "]]>") == 2);
}

}  // namespace sonde::fuzz
