"""The site's player: a script with the two challenges that a client has to solve, and the same two solved here.

The script is ours, in the shape in which yt-dlp's solver looks for them: a function that makes an address object, sets
"alr" to "yes" on it and unscrambles the signature, and an object with a method that changes ``n``.
"""

from __future__ import annotations

SIGNATURE_TIMESTAMP = 20555
SCRIPT = """(function(g){
var config={signatureTimestamp:%d};
function Address(text){this.text=text;this.fields={}}
Address.prototype.set=function(name,value){this.fields[name]=value};
Address.prototype.get=function(name){return this.fields[name]};
Address.prototype.change=function(){var n=this.fields.n;if(n)this.fields.n=n.split("").reverse().join("")+"%s"};
function unscramble(text){var signs=text.split("");signs.splice(0,3);signs.reverse();
var first=signs[0];signs[0]=signs[5];signs[5]=first;return signs.join("")}
function build(text,name,signature){var address=new Address(text);address.set("alr","yes");
signature&&address.set(name,encodeURIComponent(unscramble(decodeURIComponent(signature))));return address}
g.build=build;
}).call(this,{});
"""
N_SUFFIX = "x7"


def script(broken: bool = False) -> str:
    """The player script; ``broken``: changed so that no solver finds its way in it."""
    text = SCRIPT % (SIGNATURE_TIMESTAMP, N_SUFFIX)
    return text.replace('"alr","yes"', '"alr","no"') if broken else text


def solve_n(challenge: str) -> str:
    """What the script makes of ``n``."""
    return challenge[::-1] + N_SUFFIX


def unscramble(signature: str) -> str:
    """What the script makes of a scrambled signature."""
    signs = list(signature[3:][::-1])
    signs[0], signs[5] = signs[5], signs[0]
    return "".join(signs)
