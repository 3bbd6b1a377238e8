#!/usr/bin/env python3
"""Renders templates with jinja2, set up as Hugging Face transformers does, and records what comes out.

    python3 tests/golden/chat/make_expected.py [DIRECTORY OF REAL TEMPLATES]

For each *.jinja beside this script: NAME.expected, the rendering of conversations.json, each after a line
"== conversation". For real templates: real.txt, "file conversation ok|refused|error hash" with FNV-1a 64
of the output or of the refusal. Needs jinja2 3.1.
"""
import datetime, glob, json, os, sys
import jinja2, jinja2.ext, jinja2.sandbox
from jinja2 import nodes

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = 1700000000


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.Scope(body, lineno=line)


class Refused(Exception):
    pass


def raise_exception(message):
    raise Refused(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment(kind):
    env = kind(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.filters["safe"] = str  # Markup would escape, for HTML, the text that + joins to it
    env.filters["from_json"] = json.loads
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime(f)
    return env


def render(kind, source, conversation):
    given = dict(messages=conversation["messages"], tools=conversation.get("tools"), documents=None,
                 add_generation_prompt=conversation["add_generation_prompt"], bos_token="<s>", eos_token="</s>")
    given.update(conversation.get("extra", {}))
    given = json.loads(json.dumps(given))
    return environment(kind).from_string(source).render(**given)


def outcome(source, conversation):
    try:
        try:
            return "ok", render(jinja2.sandbox.ImmutableSandboxedEnvironment, source, conversation)
        except jinja2.exceptions.SecurityError:  # append and pop, which we allow on lists
            return "ok", render(jinja2.sandbox.SandboxedEnvironment, source, conversation)
    except Refused as e:
        return "refused", str(e)
    except Exception as e:
        return "error", "%s: %s" % (type(e).__name__, e)


def fnv(text):
    h = 0xCBF29CE484222325
    for b in text.encode():
        h = (h ^ b) * 0x100000001B3 % 2**64
    return "%016x" % h


def main():
    conversations = json.load(open(os.path.join(HERE, "conversations.json")))
    for path in sorted(glob.glob(os.path.join(HERE, "*.jinja"))):
        source = open(path, newline="").read()
        with open(path[:-6] + ".expected", "w") as f:
            for name, conversation in conversations.items():
                status, text = outcome(source, conversation)
                assert status != "error", (path, name, text)
                f.write("== %s %s\n%s\n" % (name, status, text))
    if len(sys.argv) > 1:
        with open(os.path.join(HERE, "real.txt"), "w") as f:
            for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.jinja"))):
                for name, conversation in conversations.items():
                    status, text = outcome(open(path).read(), conversation)
                    if status == "error":
                        print(os.path.basename(path), name, text)
                    f.write("%s %s %s %s\n" % (os.path.basename(path), name, status, fnv(text)))
                    if os.environ.get("DUMP"):
                        open("%s/%s.%s" % (os.environ["DUMP"], os.path.basename(path), name), "w").write(text)


main()
