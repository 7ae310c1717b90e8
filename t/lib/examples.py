#!/usr/bin/python3
# examples.py [-d DIRECTORY] FILE...: the examples of manual pages and of README.md, in
# their order, as a reader copies them from what mandoc shows.
#
# An example of a page is a literal block (.Bd -literal, .Dl, .D1) in its EXAMPLES, or
# elsewhere one that begins with the name of a program.  An example of README.md is an
# indented block, or a fenced one without a language (t/docs/readme.bats has the others).
#
# Each follows a line "==> PAGE NUMBER"; with -d it becomes DIRECTORY/PAGE/NUMBER.
import html.parser, os, re, subprocess, sys


class Page(html.parser.HTMLParser):
    """What mandoc -T html makes of a page."""

    def __init__(self):
        super().__init__()
        self.examples, self.section, self.text = [], "", None
        self.depth, self.in_title, self.in_pre = 0, False, False

    def handle_starttag(self, tag, attributes):
        classes = (dict(attributes).get("class") or "").split()
        if tag == "h1":
            self.section, self.in_title = "", True
        elif tag == "pre":
            self.in_pre = True
        elif tag == "div" and self.text is not None:
            self.depth += 1
        elif tag == "div" and "Bd" in classes:
            self.text, self.depth = "", 0

    def handle_endtag(self, tag):
        if tag == "h1":
            self.in_title = False
        elif tag == "pre":
            self.in_pre = False
        elif tag == "div" and self.text is not None:
            if self.depth:
                self.depth -= 1
            else:
                self.end_block()

    def handle_data(self, data):
        if self.in_title:
            self.section += data.replace("\n", " ")
        if self.text is not None:
            # Outside of <pre> mandoc fills lines as it likes.
            self.text += data if self.in_pre else re.sub(r"\s+", " ", data)

    def end_block(self):
        text, self.text = self.text.replace("\u00a0", " ").strip("\n "), None
        if self.section == "EXAMPLES" or re.match(r"zr(-[a-z]+)* ", text):
            self.examples.append(text)


def of_page(path):
    page = Page()
    page.feed(subprocess.run(["mandoc", "-T", "html", path], check=True,
                             stdout=subprocess.PIPE, encoding="utf-8").stdout)
    return page.examples


def of_markdown(path):
    examples, block, fence = [], [], None
    blank_before = True
    for line in open(path, encoding="utf-8").read().split("\n") + ["end"]:
        if line.startswith("```"):
            if fence == "```":
                examples.append("\n".join(block))
            fence, block = (None if fence else line), []
        elif fence:
            block.append(line)
        elif line.startswith("    ") and (block or blank_before):
            block.append(line[4:])
        elif line.strip() == "" and block:
            block.append("")
        elif block:
            examples.append("\n".join(block).strip("\n"))
            block = []
        blank_before = line.strip() == ""
    return examples


def main(arguments):
    directory = None
    if arguments[:1] == ["-d"]:
        directory, arguments = arguments[1], arguments[2:]
    for path in arguments:
        name = os.path.basename(path)
        examples = of_markdown(path) if name.endswith(".md") else of_page(path)
        if directory and examples:
            os.makedirs(os.path.join(directory, name))
        for number, text in enumerate(examples, 1):
            if directory:
                with open(os.path.join(directory, name, str(number)), "w") as file:
                    file.write(text + "\n")
            else:
                print(f"==> {name} {number}\n{text}")


main(sys.argv[1:])
