; Inno Setup: a setup program for one user, without an administrator. Not yet run on any Windows.
;     iscc /DVersion=0.1.0 /DFolder=C:\path\to\dist\formcheck /DIcon=C:\path\to\formcheck.ico formcheck.iss
[Setup]
AppId={{6B1D3A52-7C1B-4C55-9B7E-3B1A9E1B7F10}
AppName=formcheck
AppVersion={#Version}
DefaultDirName={autopf}\formcheck
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
ChangesAssociations=yes
SetupIconFile={#Icon}
UninstallDisplayIcon={app}\formcheck-app.exe
OutputDir=.
OutputBaseFilename=formcheck-{#Version}-setup
Compression=lzma2
SolidCompression=yes

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"
Name: "de"; MessagesFile: "compiler:Languages\German.isl"

[Files]
Source: "{#Folder}\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{autoprograms}\formcheck"; Filename: "{app}\formcheck-app.exe"
Name: "{autodesktop}\formcheck"; Filename: "{app}\formcheck-app.exe"

[Registry]
Root: HKA; Subkey: "Software\Classes\.formcheck"; ValueType: string; ValueData: "formcheck.programme"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\formcheck.programme"; ValueType: string; ValueData: "formcheck programme"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\formcheck.programme\DefaultIcon"; ValueType: string; ValueData: "{app}\formcheck-app.exe,0"
Root: HKA; Subkey: "Software\Classes\formcheck.programme\shell\open\command"; ValueType: string; ValueData: """{app}\formcheck-app.exe"" ""%1"""

[Run]
Filename: "{app}\formcheck-app.exe"; Description: "{cm:LaunchProgram,formcheck}"; Flags: nowait postinstall skipifsilent
