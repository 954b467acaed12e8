"""Weathers and devices that are counted for a whole shop: what else a browser says is nobody's moment but its own."""

from __future__ import annotations

__all__ = ["DEVICES", "WEATHERS"]

DEVICES = frozenset({"desktop", "mobile", "tablet", "tv", "console", "watch", "kiosk", "car"})

_WORDS = """
clear sunny sun clouds cloudy cloud overcast rain rainy drizzle showers snow snowy sleet hail fog mist haze thunderstorm
storm wind windy hot warm cool cold frost dust smoke
sonne sonnig klar wolken bewölkt bedeckt regen regnerisch schauer niesel schnee graupel hagel nebel dunst gewitter sturm
windig heiß kühl kalt
soleil ensoleillé dégagé nuages nuageux couvert pluie averses bruine neige grêle brouillard brume orage tempête vent
chaud froid
sol soleado despejado nubes nublado lluvia llovizna chubascos nieve granizo niebla bruma tormenta viento calor frío
ensolarado limpo nuvens chuva garoa neve nevoeiro neblina trovoada tempestade vento frio
cerah berawan mendung hujan gerimis salju kabut badai angin panas dingin
แดด เมฆ ฝน หิมะ หมอก พายุ ลม ร้อน หนาว
"""
WEATHERS = frozenset(_WORDS.split()) | {f"{degrees} degrees" for degrees in range(-90, 61, 10)}
"""As services of weather and shops call it, in the languages that shops speak here; temperatures in steps of ten."""
